package crds

import (
	"slices"
	"strings"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/path"
)

// Live is what is known of the fields that objects have in a cluster, their status
// too: of the kinds of Kubernetes all (api.json, made of their Go types), of others
// the status (status.json) and, where a file of the kind is there, the spec.
type Live struct {
	api struct {
		// Kinds are types by "APIVERSION KIND".
		Kinds map[string]string
		// Types have the type of each field: the name of another, []TYPE, {}TYPE for
		// the values of a map; any is whatever there is, other words are scalars.
		Types map[string]map[string]string
	}
	status map[string]struct {
		Release string
		Fields  map[string]schema.KindField
	}
}

// NewLive reads what is known.
func NewLive() (*Live, error) {
	l := &Live{}
	if err := read(builtin(), "api.json", &l.api); err != nil {
		return nil, err
	}
	return l, read(builtin(), "status.json", &l.status)
}

// Check reports whether objects of a kind may have a field, and be must there: a
// word that its definition lists, if must is a word. known is false if nothing is
// known of that part of the kind.
func (l *Live) Check(apiVersion, kind string, field path.Pattern, must string) (known bool, err error) {
	if len(field) > 0 && field[0].Key == "metadata" {
		return true, l.typed("ObjectMeta", field[1:], "metadata")
	}
	id := apiVersion + " " + kind
	if name, ok := l.api.Kinds[id]; ok {
		return true, l.typed(name, field, kind)
	}
	root := &node{}
	if s, ok := l.status[id]; ok {
		k := Kind{root: root}
		for at, f := range s.Fields {
			k.find(at).KindField = f
		}
	}
	if k, err := Builtin().Find(apiVersion, kind); err == nil {
		for key, n := range k.root.sub {
			root.at(key)
			root.sub[key] = n
		}
	}
	if len(field) == 0 || root.sub[field[0].Key] == nil {
		return false, nil
	}
	return true, l.defined(root, field, kind, must)
}

// typed looks for a field below a type of Kubernetes; at is what has been found.
func (l *Live) typed(name string, field path.Pattern, at string) error {
	if len(field) == 0 || name == "any" {
		return nil
	}
	next := at + "." + field[0].Key
	if elem, ok := strings.CutPrefix(name, "[]"); ok {
		if !field[0].List() {
			return schema.Errorf(schema.Invalid, "%s is a list", at).WithHint("write [*] or [KEY=VALUE] behind it")
		}
		if of := field[0].Of; of != "" && of != "*" {
			if err := l.typed(elem, path.Pattern{{Element: path.Key(of)}}, at+"[]"); err != nil {
				return err
			}
		}
		return l.typed(elem, field[1:], at+"[]")
	}
	if field[0].List() {
		return schema.Errorf(schema.Invalid, "%s is not a list", at)
	}
	if elem, ok := strings.CutPrefix(name, "{}"); ok {
		return l.typed(elem, field[1:], next)
	}
	fields, ok := l.api.Types[name]
	if !ok {
		return schema.Errorf(schema.Invalid, "%s has no fields", at)
	}
	if fields[field[0].Key] == "" {
		return missing(at, field[0].Key, sorted(fields))
	}
	return l.typed(fields[field[0].Key], field[1:], next)
}

func missing(at, key string, known []string) error {
	e := schema.Errorf(schema.Invalid, "%s has no field %q", at, key)
	if n := schema.Nearest(key, known); n != "" {
		return e.WithHint("did you mean %s?", n)
	}
	return e
}

// defined looks for a field below a node of a definition.
func (l *Live) defined(n *node, field path.Pattern, at, must string) error {
	switch {
	case n.Preserve || n.Open || n.Embedded || n.Same != "" || n.Core != "":
		return nil // whatever is below has facts of its own, or none
	case len(field) == 0:
		if len(n.Enum) > 0 && word(must) && !slices.Contains(n.Enum, any(must)) {
			var words []string
			for _, w := range n.Enum {
				if s, ok := w.(string); ok {
					words = append(words, s)
				}
			}
			return schema.Errorf(schema.Invalid, "%s is never %q, only %s", at, must, strings.Join(words, ", "))
		}
		return nil
	case n.Type == "array":
		if !field[0].List() {
			return schema.Errorf(schema.Invalid, "%s is a list", at).WithHint("write [*] or [KEY=VALUE] behind it")
		}
		if n.items == nil {
			return nil
		}
		if of := field[0].Of; of != "" && of != "*" {
			if err := l.defined(n.items, path.Pattern{{Element: path.Key(of)}}, at+"[]", ""); err != nil {
				return err
			}
		}
		return l.defined(n.items, field[1:], at+"[]", must)
	case field[0].List():
		return schema.Errorf(schema.Invalid, "%s is not a list", at)
	}
	next := at + "." + field[0].Key
	switch {
	case n.sub[field[0].Key] != nil:
		return l.defined(n.sub[field[0].Key], field[1:], next, must)
	case n.values != nil:
		return l.defined(n.values, field[1:], next, must)
	}
	return missing(at, field[0].Key, sorted(n.sub))
}

// word reports whether an expression is one value and no comparison.
func word(s string) bool {
	for _, c := range s {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return s != ""
}
