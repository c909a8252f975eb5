package crds

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/NVIDIA/eidos/schema"
)

// definition is a CustomResourceDefinition, as far as it says what fields there
// are.
type definition struct {
	Kind string
	Spec struct {
		Group    string
		Names    struct{ Kind string }
		Versions []struct {
			Name   string
			Served *bool
			Schema struct {
				Root *props `yaml:"openAPIV3Schema"`
			}
		}
	}
}

// props is a structural schema.
type props struct {
	Type        string
	Properties  map[string]*props
	Items       *props
	Values      yaml.Node `yaml:"additionalProperties"` // a schema, true or false
	Required    []string
	Nullable    bool
	Enum        []any
	Pattern     string
	Minimum     *float64
	Maximum     *float64
	MinLength   *int64 `yaml:"minLength"`
	MaxLength   *int64 `yaml:"maxLength"`
	MinItems    *int64 `yaml:"minItems"`
	MaxItems    *int64 `yaml:"maxItems"`
	IntOrString bool   `yaml:"x-kubernetes-int-or-string"`
	Preserve    bool   `yaml:"x-kubernetes-preserve-unknown-fields"`
	Embedded    bool   `yaml:"x-kubernetes-embedded-resource"`
}

// Definitions reads the fields of every kind and served version that the
// CustomResourceDefinitions in a file define, in its order; other objects in it
// are skipped. release is what brings them, CHART VERSION. Invalid if the file is
// not YAML, or a version has no schema.
func Definitions(text, release string) ([]*schema.KindFacts, error) {
	var out []*schema.KindFacts
	for doc, err := range documents(text) {
		if err != nil {
			return nil, err
		}
		var d definition
		if err := doc.Decode(&struct{ Kind *string }{&d.Kind}); err != nil || d.Kind != "CustomResourceDefinition" {
			continue
		}
		if err := doc.Decode(&d); err != nil {
			return nil, schema.Errorf(schema.Invalid, "%s", strings.TrimPrefix(err.Error(), "yaml: "))
		}
		facts, err := d.facts(release)
		if err != nil {
			return nil, err
		}
		out = append(out, facts...)
	}
	return out, nil
}

func (d *definition) facts(release string) ([]*schema.KindFacts, error) {
	var out []*schema.KindFacts
	kind := d.Spec.Names.Kind
	if d.Spec.Group == "" || kind == "" || len(d.Spec.Versions) == 0 {
		return nil, schema.Errorf(schema.Invalid, "a CustomResourceDefinition has no group, kind or versions").
			WithHint("definitions of apiextensions.k8s.io/v1 are read")
	}
	for _, v := range d.Spec.Versions {
		if v.Served != nil && !*v.Served {
			continue
		}
		f := &schema.KindFacts{Group: d.Spec.Group, Kind: kind, Version: v.Name, Release: release, Primary: true,
			Fields: map[string]schema.KindField{}}
		if v.Schema.Root == nil {
			return nil, schema.Errorf(schema.Invalid, "version %s of %s has no schema", v.Name, kind)
		}
		for _, key := range sorted(v.Schema.Root.Properties) {
			switch key {
			case "apiVersion", "kind", "metadata", "status":
				continue
			}
			if err := v.Schema.Root.Properties[key].add(f.Fields, escape(key), slices.Contains(v.Schema.Root.Required, key)); err != nil {
				return nil, fmt.Errorf("reading version %s of %s: %w", v.Name, kind, err)
			}
		}
		out = append(out, f)
	}
	return out, nil
}

// maxFields bounds what one kind may have; the largest known have 8,000.
const maxFields = 50_000

func (p *props) add(to map[string]schema.KindField, path string, required bool) error {
	if len(to) >= maxFields {
		return schema.Errorf(schema.Invalid, "more than %d fields", maxFields)
	}
	if p == nil {
		p = &props{Preserve: true} // nothing is said of it
	}
	f := schema.KindField{
		Type: p.Type, Required: required, Nullable: p.Nullable, IntOrString: p.IntOrString, Preserve: p.Preserve, Embedded: p.Embedded,
		Enum: p.Enum, Pattern: p.Pattern, Min: p.Minimum, Max: p.Maximum,
		MinLength: p.MinLength, MaxLength: p.MaxLength, MinItems: p.MinItems, MaxItems: p.MaxItems,
	}
	var values *props
	switch p.Values.Kind {
	case yaml.MappingNode:
		if err := p.Values.Decode(&values); err != nil {
			return schema.Errorf(schema.Invalid, "%s: %s", path, strings.TrimPrefix(err.Error(), "yaml: "))
		}
	case yaml.ScalarNode:
		f.Open = p.Values.Value == "true"
	}
	to[path] = f
	for _, key := range sorted(p.Properties) {
		if err := p.Properties[key].add(to, path+"."+escape(key), slices.Contains(p.Required, key)); err != nil {
			return err
		}
	}
	if p.Items != nil {
		if err := p.Items.add(to, path+"[]", false); err != nil {
			return err
		}
	}
	if values != nil {
		return values.add(to, path+"{}", false)
	}
	return nil
}

func escape(key string) string { return strings.ReplaceAll(key, ".", `\.`) }
