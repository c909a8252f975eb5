package charts

import (
	"strings"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/pattern"
)

var (
	topLine   = pattern.New(`(?m)^(apiVersion|kind):[ \t]*["']?([^\s"'#{}]+)`)
	nameLine  = pattern.New(`(?m)^  name:[ \t]*["']?([^\s"'#]+)`)
	groupLine = pattern.New(`(?m)^  group:[ \t]*["']?([^\s"'#]+)`)
	kindLine  = pattern.New(`(?m)^    kind:[ \t]*["']?([^\s"'#]+)`)
	nativeAPI = pattern.New(`^(apps|batch|autoscaling|policy|[a-z]+\.k8s\.io|(rbac\.authorization|flowcontrol\.apiserver|internal\.apiserver)\.k8s\.io)$`)
)

// Native reports whether the kinds of an API group are part of every cluster.
// Groups such as gateway.networking.k8s.io are not.
func Native(group string) bool { return nativeAPI.MatchString(group) }

// documents cuts a file of YAML, a template or not, where documents end.
func documents(text string) []string { return strings.Split("\n"+text, "\n---") }

// Objects lists what a template of Kubernetes objects makes, as far as it is
// written in the text and not made up when it is rendered.
func Objects(text string) []schema.ChartObject {
	var out []schema.ChartObject
	for _, doc := range documents(text) {
		var o schema.ChartObject
		for _, m := range topLine.FindAllSubmatch([]byte(doc), -1) {
			if string(m[1]) == "kind" {
				o.Kind = string(m[2])
			} else {
				o.APIVersion = string(m[2])
			}
		}
		if o.Kind == "" || o.APIVersion == "" {
			continue
		}
		for _, m := range nameLine.FindAllSubmatch([]byte(doc), 1) {
			o.Name = string(m[1])
		}
		out = append(out, o)
	}
	return out
}

// Defined lists the kinds, as GROUP/KIND, that a file of
// CustomResourceDefinitions defines.
func Defined(text string) []string {
	var out []string
	for _, doc := range documents(text) {
		group := groupLine.FindAllSubmatch([]byte(doc), 1)
		kind := kindLine.FindAllSubmatch([]byte(doc), 1)
		if len(group) == 1 && len(kind) == 1 {
			out = append(out, string(group[0][1])+"/"+string(kind[0][1]))
		}
	}
	return out
}

// On reports whether an item is rendered with values: those of its guards that
// values do not set are the chart's defaults.
func (c *Chart) On(guards []string, off bool, values map[string]any) bool {
	if len(guards) == 0 {
		return !off
	}
	for _, g := range guards {
		path, negated := strings.CutPrefix(g, "!")
		keys, err := SplitPath(path)
		if err != nil || c.truthy(keys, values, off == negated) == negated {
			return false
		}
	}
	return true
}

// truthy is whether the value at keys is true for a template. Where neither the
// values nor the facts say, the item is as it is by default.
func (c *Chart) truthy(keys []string, values map[string]any, unknown bool) bool {
	var v any = values
	for _, k := range keys {
		m, ok := v.(map[string]any)
		if !ok {
			v = nil
			break
		}
		v = m[k]
	}
	if v == nil {
		if n, ok := c.knows(keys); ok && n.value != nil {
			v = n.value.Default
			if v == nil && n.value.Type == "null" {
				return false
			}
		}
	}
	switch v := v.(type) {
	case nil:
		return unknown
	case bool:
		return v
	case string:
		return v != ""
	case map[string]any:
		return len(v) > 0
	case []any:
		return len(v) > 0
	case int64:
		return v != 0
	case float64:
		return v != 0
	}
	return true
}
