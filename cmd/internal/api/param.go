package api

import (
	"net/url"
	"slices"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/NVIDIA/eidos/schema"
)

// Parameter is one parameter of a route. One name may be a property of several definitions;
// its value is set in all of them, and the first one describes it.
type Parameter struct {
	schema.Property
	Name    string   // in the query
	Aliases []string // other names for it

	groups []string // the definitions that it belongs to, each after its prefix
}

// Parameters lists what a route takes in the query, in the order of its definitions. What
// names a file of the machine (@local in schema/) is not a parameter of a request, which
// would otherwise read or write files of the server; nor is an object, which has no text.
func (r *Route) Parameters() []*Parameter {
	var out []*Parameter
	byName := map[string]*Parameter{}
	for _, ps := range r.Query {
		props, err := schema.Properties(ps.Definition)
		if err != nil {
			panic("BUG: " + err.Error())
		}
		for _, p := range props {
			if p.Type == "object" || slices.Contains(ps.Skip, p.Name) || p.Local != "" && p.Local != "no" {
				continue
			}
			name, group := ps.Prefix+schema.FlagName(p.Name), ps.Prefix+ps.Definition
			if known := byName[name]; known != nil {
				known.groups = append(known.groups, group)
				continue
			}
			x := &Parameter{Property: p, Name: name, groups: []string{group}}
			if ps.Definition == "Criteria" && p.Name == "accelerator" {
				x.Aliases = []string{ps.Prefix + "gpu"} // as on the command line
			}
			byName[name] = x
			out = append(out, x)
		}
	}
	return out
}

// Definition is where the parameter is defined: the definition, and the name of
// its property there.
func (r *Route) Definition(p *Parameter) (definition, property string) {
	for _, ps := range r.Query {
		if ps.Prefix+ps.Definition == p.groups[0] {
			return ps.Definition, p.Property.Name
		}
	}
	panic("BUG: parameter " + p.Name + " is not of " + r.Name)
}

// parameters are Parameters by all their names.
func (r *Route) parameters() map[string]*Parameter {
	out := map[string]*Parameter{}
	for _, p := range r.Parameters() {
		for _, n := range append(p.Aliases, p.Name) {
			out[n] = p
		}
	}
	return out
}

// values are the parameters of a request by group, as their definition has them.
type values map[string]map[string]any

// parse reads a query. Invalid, all problems at once, for parameters that the
// route does not have, for what is not of their type, and for a second value of
// what has one. canonical is the same for every way to write the same query.
func parse(known map[string]*Parameter, query string) (vals values, canonical string, err error) {
	vals = values{}
	if query == "" {
		return vals, "", nil
	}
	var errs []error
	var parts []string
	for _, pair := range strings.Split(query, "&") {
		if pair == "" {
			continue
		}
		rawName, rawValue, _ := strings.Cut(pair, "=")
		name, err1 := url.QueryUnescape(rawName)
		text, err2 := url.QueryUnescape(rawValue)
		if err1 != nil || err2 != nil {
			errs = append(errs, schema.Errorf(schema.Invalid, "parameter %q is not percent-encoded correctly", pair))
			continue
		}
		if !utf8.ValidString(name) || !utf8.ValidString(text) {
			errs = append(errs, schema.Errorf(schema.Invalid, "parameter %q is not UTF-8 text", pair))
			continue
		}
		p := known[name]
		if p == nil {
			errs = append(errs, schema.Errorf(schema.Invalid, "unknown parameter %q", name).At("", name).WithHint("%s", suggest(name, known)))
			continue
		}
		v, err := p.value(text)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if _, list := v.([]any); !list {
			if _, twice := vals.get(p); twice {
				errs = append(errs, schema.Errorf(schema.Invalid, "it is there twice, and has a single value").At("", p.Name))
				continue
			}
		}
		vals.set(p, v)
		parts = append(parts, p.Name+"="+url.QueryEscape(text))
	}
	// Order counts among the values of one parameter only.
	sort.SliceStable(parts, func(i, j int) bool {
		a, _, _ := strings.Cut(parts[i], "=")
		b, _, _ := strings.Cut(parts[j], "=")
		return a < b
	})
	return vals, strings.Join(parts, "&"), schema.Join(errs)
}

// suggest is the hint for an unknown parameter.
func suggest(name string, known map[string]*Parameter) string {
	names := make([]string, 0, len(known))
	for n := range known {
		names = append(names, n)
	}
	sort.Strings(names)
	if len(names) == 0 {
		return "it takes no parameters"
	}
	return schema.Suggest(name, names)
}

// value is text as a value of the parameter's type. Whether the definition allows the value
// is checked later, by decode.
func (p *Parameter) value(text string) (any, error) {
	bad := func(want string) error {
		return schema.Errorf(schema.Invalid, "%q is not %s", text, want).At("", p.Name)
	}
	switch p.Type {
	case "boolean":
		switch text {
		case "true", "false":
			return text == "true", nil
		}
		return nil, bad("true or false")
	case "integer":
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, bad("a whole number")
		}
		return n, nil
	case "array":
		return []any{text}, nil
	}
	return text, nil
}

// get returns the value of p, if it has been set. All its groups have the same.
func (v values) get(p *Parameter) (any, bool) {
	x, ok := v[p.groups[0]][p.Property.Name]
	return x, ok
}

// set adds a value; of a list, one more element.
func (v values) set(p *Parameter, x any) {
	for _, g := range p.groups {
		if v[g] == nil {
			v[g] = map[string]any{}
		}
		if more, list := x.([]any); list {
			old, _ := v[g][p.Property.Name].([]any)
			v[g][p.Property.Name] = append(old[:len(old):len(old)], more...)
			continue
		}
		v[g][p.Property.Name] = x
	}
}

// decode reads the parameters of a group into its type.
func (v values) decode(group string, into any) error {
	m := v[group]
	if m == nil {
		m = map[string]any{}
	}
	return inQuery(schema.DecodeValue("query", m, into))
}
