package api

import (
	"slices"
	"strconv"
	"strings"
)

// negotiate picks the format that an Accept header asks for, and the media type
// to send; false if the route has none of what it names. See RFC 9110, 12.5.1. The
// highest weight wins, then the more exact range, then the order of the header. A type
// that is named is sent by that name: it may be an alias of the format's first one.
func negotiate(accept string, formats []Format) (f Format, contentType string, ok bool) {
	if accept == "" || accept == "*/*" {
		return formats[0], formats[0].Types[0], true
	}
	best := 0.0
	specific := -1
	for _, part := range strings.Split(accept, ",") {
		mediaType, q := weighed(part)
		if q <= 0 {
			continue
		}
		for _, g := range formats {
			t, s := matching(mediaType, g)
			if s >= 0 && (q > best || q == best && s > specific) {
				best, specific, f, contentType, ok = q, s, g, t, true
			}
		}
	}
	return f, contentType, ok
}

// matching is the type of g that a media range covers, and how exactly: -1 for
// not at all.
func matching(mediaRange string, g Format) (string, int) {
	if slices.Contains(g.Types, mediaRange) {
		return mediaRange, 2
	}
	if top, ok := strings.CutSuffix(mediaRange, "/*"); ok {
		if top == "*" {
			return g.Types[0], 0
		}
		for _, t := range g.Types {
			if strings.HasPrefix(t, top+"/") {
				return t, 1
			}
		}
	}
	return "", -1
}

// weighed splits one element of an Accept header into its lower-case name and its weight,
// 1 without one. A weight that is not a number is 0, which asks for nothing.
func weighed(part string) (name string, q float64) {
	name, params, _ := strings.Cut(part, ";")
	name, q = strings.ToLower(strings.TrimSpace(name)), 1
	for _, p := range strings.Split(params, ";") {
		if v, ok := strings.CutPrefix(strings.TrimSpace(p), "q="); ok {
			n, err := strconv.ParseFloat(v, 64)
			if err != nil {
				return name, 0
			}
			q = n
		}
	}
	return name, q
}

// TakesGzip reports whether an Accept-Encoding header allows gzip.
func TakesGzip(header string) bool {
	if header == "" {
		return false
	}
	all := false
	for _, part := range strings.Split(header, ",") {
		switch name, q := weighed(part); name {
		case "gzip", "x-gzip":
			return q > 0
		case "*":
			all = q > 0
		}
	}
	return all
}

// readable reports whether a body of that Content-Type is YAML or JSON; one without the
// header is taken for that.
func readable(contentType string) bool {
	if contentType == "" {
		return true
	}
	name, _ := weighed(contentType)
	return slices.Contains(BodyTypes(), name)
}

// BodyTypes are the media types of bodies that are read: YAML, of which JSON is
// a part.
func BodyTypes() []string { return slices.Concat(formatJSON.Types, formatYAML.Types) }
