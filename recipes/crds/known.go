package crds

import (
	"slices"
	"strings"

	"github.com/NVIDIA/eidos/recipes/charts"
	"github.com/NVIDIA/eidos/schema"
)

// Known finds the fields of kinds as the components of a recipe define them, and
// remembers what it read. It is for one goroutine.
type Known struct {
	library Library
	kinds   map[string][]*Kind // by apiVersion and kind
	defined map[string][]*Kind // by file and kind
}

// NewKnown returns what the facts of a library know.
func NewKnown(l Library) *Known {
	return &Known{library: l, kinds: map[string][]*Kind{}, defined: map[string][]*Kind{}}
}

// Definition is a file of CustomResourceDefinitions. Files of one path have one
// text.
type Definition struct{ Path, Text string }

// Kind returns the fields of an object's kind: of the definitions that a recipe
// brings itself, else the facts of one of its releases, each CHART VERSION, else
// those of the primary one. NotFound if nothing knows the kind; Invalid, with the
// path of the definition, if that is not read.
func (k *Known) Kind(o Object, releases []string, brings []Definition) (*Kind, error) {
	group, version, _ := strings.Cut(o.APIVersion, "/")
	for _, d := range brings {
		all, err := k.definitions(d, group+"/"+o.Kind)
		if err != nil {
			return nil, err
		}
		for _, kind := range all {
			if kind.Version == version {
				return kind, nil
			}
		}
	}
	key := o.APIVersion + " " + o.Kind
	all, done := k.kinds[key]
	if !done {
		var err error
		if all, err = k.library.All(o.APIVersion, o.Kind); err != nil && schema.CodeOf(err) != schema.NotFound {
			return nil, err
		}
		k.kinds[key] = all
	}
	if len(all) == 0 {
		return nil, unknownKind(o.APIVersion, o.Kind)
	}
	return Pick(all, releases), nil
}

// definitions are the versions of a kind, GROUP/KIND, in a file. Only that part of
// the file is read: one has 600 kB.
func (k *Known) definitions(d Definition, kind string) ([]*Kind, error) {
	key := d.Path + " " + kind
	out, done := k.defined[key]
	if done {
		return out, nil
	}
	for _, document := range strings.Split("\n"+d.Text, "\n---") {
		if !slices.Contains(charts.Defined(document), kind) {
			continue
		}
		facts, err := Definitions(document, "")
		if err != nil {
			return nil, schema.Errorf(schema.Invalid, "%w", err).At(d.Path, "")
		}
		for _, f := range facts {
			one, err := New(f)
			if err != nil {
				return nil, err
			}
			out = append(out, one)
		}
	}
	k.defined[key] = out
	return out, nil
}
