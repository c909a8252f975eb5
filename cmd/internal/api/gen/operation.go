package main

import (
	"strings"

	"github.com/NVIDIA/eidos/cmd/internal/api"
)

// operation describes one route.
func (s *schemas) operation(r *api.Route) (object, error) {
	op := object{"operationId": r.Name, "summary": r.Summary, "tags": []string{tag(r)}}
	var params []object
	for _, p := range r.Parameters() {
		x := s.parameter(r, p)
		params = append(params, x)
		for _, name := range p.Aliases {
			params = append(params, object{"name": name, "in": "query", "description": "The same as " + p.Name + ".", "schema": x["schema"]})
		}
	}
	if params != nil {
		op["parameters"] = params
	}
	if r.Body != nil {
		op["requestBody"] = s.body(r)
	}
	ok := object{"description": r.Summary + ".", "headers": object{
		"X-Request-Id": header("RequestID"), "X-API-Version": header("APIVersion"), "ETag": header("ETag"), "Cache-Control": header("CacheControl"),
		"X-RateLimit-Limit": header("RateLimit"), "X-RateLimit-Remaining": header("RateLimit"), "X-RateLimit-Reset": header("RateLimit"),
	}}
	content := object{}
	// Other names of a type are in the description of the document: a generator
	// would make a field for each.
	for _, f := range r.Formats {
		content[f.Types[0]] = object{"schema": s.result(r, f)}
		if f.Name == "svg" { // the other formats of a graph
			content["text/plain"] = object{"schema": s.result(r, f)}
		}
	}
	ok["content"] = content
	if f := r.Formats[0].Name; f == "zip" {
		h := ok["headers"].(object)
		for _, n := range []string{"X-Bundle-Files", "X-Bundle-Size", "X-Bundle-Duration"} {
			h[n] = header(strings.ReplaceAll(n[2:], "-", ""))
		}
	}
	all := object{"200": ok, "400": response("Invalid"), "404": response("NotFound"), "406": response("NotAcceptable"), "422": response("Unsatisfied"),
		"429": response("RateLimited"), "500": response("Failed"), "503": response("Unavailable"), "504": response("Timeout")}
	if r.Method == "GET" {
		all["304"] = response("NotModified")
	} else {
		all["408"], all["413"], all["415"] = response("Timeout"), response("TooLarge"), response("UnsupportedType")
	}
	op["responses"] = all
	return op, s.err
}

func tag(r *api.Route) string {
	if strings.HasSuffix(r.Path, "validate") || strings.HasSuffix(r.Path, "detect") {
		return "clusters"
	}
	return "recipes"
}

// examples are requests that the built-in catalogue answers.
var examples = map[string]any{
	"service": "eks", "accelerator": "gb200", "intent": "training", "os": "ubuntu", "selector": "components.gpu-operator.version",
	"path": "components.gpu-operator.values.driver.version", "deployer": "helm",
	"a.service": "eks", "a.intent": "training", "b.service": "gke", "b.intent": "training", "b.os": "cos",
}

func (s *schemas) parameter(r *api.Route, p *api.Parameter) object {
	definition, prop := r.Definition(p)
	sch := s.property(definition, prop)
	if sch["$ref"] == "#/components/schemas/CriteriaWord" {
		sch = s.read("CriteriaWord")
	}
	out := object{"name": p.Name, "in": "query", "schema": sch}
	if pattern, ok := sch["pattern"].(string); ok && definition == "Criteria" {
		sch["pattern"] = strings.ReplaceAll(pattern, "a-z", "A-Za-z") // words are read in any case
	}
	if p.Description != "" {
		out["description"] = p.Description
	}
	delete(sch, "description")
	if p.Required {
		out["required"] = true
	}
	if e, ok := examples[p.Name]; ok {
		if p.Type == "array" {
			e = []any{e}
		}
		out["example"] = e
	}
	if p.Type == "array" {
		out["style"], out["explode"] = "form", true
	}
	return out
}

func (s *schemas) body(r *api.Route) object {
	var sch object
	for _, d := range r.Body {
		s.add(d)
	}
	of := []object{}
	for _, d := range r.Body {
		of = append(of, ref(d))
	}
	if r.Body[0] == "ValidateRequest" {
		sch = of[0]
	} else {
		s.done["UpstreamDocument"] = object{
			"description": "A document that the tools of NVIDIA/aicr wrote; it is converted on reading.",
			"type":        "object", "required": []string{"apiVersion"}, "properties": object{"apiVersion": object{"type": "string", "pattern": `^aicr\.`}},
		}
		name := strings.Join(r.Body, "Or") + "Body" // a generator makes a type of what has a name
		s.done[name] = object{"anyOf": append(of, ref("UpstreamDocument"))}
		sch = ref(name)
	}
	content := object{}
	for _, t := range []string{"application/json", "application/yaml"} {
		content[t] = object{"schema": sch}
	}
	return object{"required": !r.BodyOptional, "content": content}
}

// result is the schema of a route's answer in one format.
func (s *schemas) result(r *api.Route, f api.Format) object {
	switch {
	case f.Name == "zip":
		return object{"type": "string", "format": "binary"}
	case f.Name == "svg" || f.Name == "text":
		return object{"type": "string"}
	case r.Result == "":
		return object{"description": "Any value."}
	}
	s.add(r.Result)
	if r.List {
		return object{"type": "array", "items": ref(r.Result)}
	}
	return ref(r.Result)
}

func ref(definition string) object { return object{"$ref": "#/components/schemas/" + definition} }

func header(name string) object { return object{"$ref": "#/components/headers/" + name} }

func response(name string) object { return object{"$ref": "#/components/responses/" + name} }

func headers() object {
	of := func(typ, about string) object { return object{"description": about, "schema": object{"type": typ}} }
	return object{
		"RequestID":      of("string", "The client's X-Request-Id, if that is a UUID, else a new one."),
		"APIVersion":     of("string", "Version of the API."),
		"ETag":           of("string", "Names the bytes of the answer, for If-None-Match."),
		"CacheControl":   of("string", "How long the answer may be kept."),
		"RateLimit":      of("integer", "Requests that the client may make at once, has left, and the seconds until it has all of them."),
		"RetryAfter":     of("integer", "Seconds to wait before the next try."),
		"BundleFiles":    of("integer", "Number of files in the archive."),
		"BundleSize":     of("integer", "Bytes of the files in the archive."),
		"BundleDuration": of("string", "How long it took to make, as a Go duration."),
	}
}

func responses() object {
	out := object{"NotModified": object{"description": "The client has the answer already."}}
	for name, about := range map[string]string{
		"Invalid": "A parameter or the body is wrong; the body says which.", "NotFound": "What was named is not there.",
		"NotAcceptable": "No format that the client accepts.", "Unsatisfied": "Constraints are not satisfied.", "TooLarge": "The body is too large.",
		"UnsupportedType": "The body is neither JSON nor YAML.", "RateLimited": "The client asks too often.",
		"Failed": "The server failed.", "Unavailable": "The server is busy.", "Timeout": "It took too long.",
	} {
		h := object{"X-Request-Id": header("RequestID"), "X-API-Version": header("APIVersion")}
		if name == "RateLimited" || name == "Unavailable" {
			h["Retry-After"] = header("RetryAfter")
		}
		out[name] = object{"description": about, "headers": h, "content": object{"application/json": object{"schema": ref("APIError")}}}
	}
	return out
}

// servicePaths are what does not belong to the API.
func servicePaths() object {
	get := func(id, about, mediaType string, more object) object {
		all := object{"200": object{"description": about + ".", "content": object{mediaType: object{"schema": object{"type": "string"}}}}, "500": response("Failed")}
		if mediaType != "text/plain" {
			all["200"].(object)["content"] = object{mediaType: object{"schema": object{"type": "object"}}}
		}
		for k, v := range more {
			all[k] = v
		}
		return object{"get": object{"operationId": id, "summary": about, "tags": []string{"service"}, "responses": all}}
	}
	notReady := object{"description": "Not ready.", "content": object{"application/json": object{"schema": object{"type": "object"}}}}
	return object{
		"/health":          get("getHealth", "Whether the server runs", "application/json", object{"405": response("Invalid")}),
		"/ready":           get("getReady", "Whether the server takes requests, and what it answers from", "application/json", object{"405": response("Invalid"), "503": notReady}),
		"/metrics":         get("getMetrics", "Metrics for Prometheus", "text/plain", object{"404": response("NotFound")}),
		"/v1/openapi.yaml": get("getOpenAPI", "This document", "application/yaml", object{"304": response("NotModified"), "405": response("Invalid")}),
	}
}
