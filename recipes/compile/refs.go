package compile

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	"cuelang.org/go/cue"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/path"
)

// references puts into the values that refer to components the namespaces that these
// have in the answer, and notes the references in refs.
func (l *loaded) references(a raw, refs map[string]schema.ComponentRef) []error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(refs)) {
		ref := refs[name]
		for _, at := range slices.Sorted(maps.Keys(a.Components[name].Refs)) {
			to := a.Components[name].Refs[at]
			target, ok := refs[to]
			if !ok {
				continue // the value is for nobody
			}
			p, err := path.Parse(at)
			if err != nil {
				errs = append(errs, schema.Errorf(schema.Invalid, "%q is not a path of values: %w", at, err).At(l.saidAt("components", name, "refs", at), ""))
				continue
			}
			value, err := p.Exact().Get(ref.Values)
			if err != nil {
				continue // not set here
			}
			home := l.home(to)
			out, named := schema.Renamespace(value, home, target.Namespace)
			if !named {
				if _, is := schema.Renamespace(value, target.Namespace, target.Namespace); !is {
					errs = append(errs, l.namesNobody(a, name, at, p.Keys(), value, to, home)...)
					continue
				}
				out = value
			}
			if !reflect.DeepEqual(out, value) {
				ref.Values = cloneValue(ref.Values).(map[string]any) // other answers have it too
				if _, err := (path.Setter{Put: func(any) (any, error) { return out, nil }}).Set(ref.Values, p); err != nil {
					return append(errs, schema.Errorf(schema.Invalid, "%w", err).At(l.saidAt("components", name, "refs", at), ""))
				}
			}
			ref.Refs = append(ref.Refs, schema.Ref{Path: at, Component: to})
		}
		refs[name] = ref
	}
	return errs
}

// namesNobody is the error of a reference whose value names no namespace of the
// component; an overlay may put something else in its place.
func (l *loaded) namesNobody(a raw, name, at string, keys []string, value any, to, home string) []error {
	where := append([]string{"components", name, "values"}, keys...)
	for _, n := range a.Layers {
		if slices.ContainsFunc(l.said[n], func(s layer) bool { return touches(s.Path, where) && !s.open() }) {
			return nil
		}
	}
	return []error{schema.Errorf(schema.Invalid, "the value %v of %s:%s does not name %s, the namespace of %s that it refers to", value, name, at, home, to).
		At(l.saidAt("components", name, "refs", at), "").WithHint("write the namespace as the value, or the address of a service, NAME.%s.svc", home)}
}

// home is the namespace that a component has if no layer moves it.
func (l *loaded) home(component string) string {
	if l.homes == nil {
		l.homes = map[string]string{}
	}
	if _, ok := l.homes[component]; !ok {
		l.homes[component], _ = l.root.LookupPath(cue.MakePath(cue.Str("components"), cue.Str(component), cue.Str("namespace"))).String()
	}
	return l.homes[component]
}

// undeclared are the values of an answer that name a service in the namespace of a
// component and are not references, as remarks.
func (l *loaded) undeclared(refs []schema.ComponentRef) []string {
	var out []string
	for _, c := range refs {
		var walk func(keys []string, v any)
		walk = func(keys []string, v any) {
			switch v := v.(type) {
			case map[string]any:
				for k, e := range v {
					walk(append(keys[:len(keys):len(keys)], k), e)
				}
			case []any:
				for _, e := range v {
					walk(keys, e)
				}
			case string:
				if !strings.Contains(v, ".svc") {
					return
				}
				at := path.Keys(keys...).String()
				for _, other := range refs {
					if _, names := schema.Renamespace(v, other.Namespace, other.Namespace); names && !slices.ContainsFunc(c.Refs, func(r schema.Ref) bool { return r.Path == at }) {
						out = append(out, l.saidAt("components", c.Name, "namespace")+": "+c.Name+":"+at+" names a service of "+other.Name+" and is not among the refs of the component")
						return
					}
				}
			}
		}
		walk(nil, c.Values)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
