package api

import (
	"cmp"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Field is a header of a request. One that was sent in several lines is their list
// (RFC 9110, 5.3). The name is canonical.
func Field(h http.Header, name string) string {
	if lines := h[name]; len(lines) > 1 {
		return strings.Join(lines, ", ")
	}
	return h.Get(name)
}

// negotiate picks the format that an Accept header asks for, and the media type
// to send; false if the route has none of what it names. See RFC 9110, 12.5.1. The weight
// of a type is that of the most exact range that covers it, and 0 refuses it. The highest
// weight wins, then the more exact range, then the order of the header. A type that is
// named is sent by that name: it may be an alias of the format's first one.
func negotiate(accept string, formats []Format) (f Format, contentType string, ok bool) {
	if accept == "" || accept == "*/*" {
		return formats[0], formats[0].Types[0], true
	}
	parts := strings.Split(accept, ",")
	ranges := make([]mediaRange, len(parts))
	for i, part := range parts {
		ranges[i].name, ranges[i].q = weighed(part)
	}
	var best acceptance
	for _, g := range formats {
		for _, t := range g.Types {
			if is := acceptanceOf(t, ranges); is.q > 0 && (!ok || is.before(best)) {
				best, f, contentType, ok = is, g, t, true
			}
		}
	}
	return f, contentType, ok
}

// mediaRange is one element of an Accept header.
type mediaRange struct {
	name string
	q    float64
}

// acceptance is how much a client wants a media type: the weight of the range that decides
// about it, how exact that is, and its position in the header.
type acceptance struct {
	q         float64
	exact, at int
}

func (a acceptance) before(b acceptance) bool {
	return cmp.Or(cmp.Compare(b.q, a.q), cmp.Compare(b.exact, a.exact), cmp.Compare(a.at, b.at)) < 0
}

// acceptanceOf is the most exact of the ranges that cover a type, and of equally exact ones
// that with the highest weight. Its weight is 0 if none does.
func acceptanceOf(mediaType string, ranges []mediaRange) acceptance {
	is := acceptance{exact: -1}
	for at, r := range ranges {
		if s := covers(r.name, mediaType); s > is.exact || s >= 0 && s == is.exact && r.q > is.q {
			is = acceptance{r.q, s, at}
		}
	}
	return is
}

// covers is how exactly a media range names a type: -1 for not at all.
func covers(name, mediaType string) int {
	if name == mediaType {
		return 2
	}
	top, ok := strings.CutSuffix(name, "/*")
	switch {
	case !ok:
		return -1
	case top == "*":
		return 0
	case strings.HasPrefix(mediaType, top+"/"):
		return 1
	}
	return -1
}

// weighed splits one element of an Accept header into its lower-case name and its weight,
// 1 without one. A weight that is not a number is 0, which asks for nothing.
func weighed(part string) (name string, q float64) {
	name, params, _ := strings.Cut(part, ";")
	name, q = strings.ToLower(strings.TrimSpace(name)), 1
	for _, p := range strings.Split(params, ";") {
		if v, ok := strings.CutPrefix(strings.TrimSpace(p), "q="); ok {
			n, err := strconv.ParseFloat(v, 64)
			if err != nil || math.IsNaN(n) {
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
