package recipes

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"strings"

	"github.com/NVIDIA/eidos/schema"
)

// Stored is a Document as it lies in the compiled catalogue: most recipes have
// most of their components in common, so each distinct variant of a component
// is stored once, and answers name the variants that they are made of.
type Stored struct {
	*Document
	// Components are NAME/VARIANT, in deployment order. A variant is
	// components/NAME/VARIANT.json over what all variants of the component
	// share, components/NAME/component.json.
	Components []string `json:"componentRefs"`
	// Order is that of Components.
	Order []string `json:"deploymentOrder,omitempty"`
	// Profiles are those of the overlays.
	Profiles []schema.Profile `json:"profiles,omitempty"`
	// Rules and Warnings are in RulesFile and WarningsFile, for all recipes.
	Rules    []string `json:"rules,omitempty"`
	Warnings []string `json:"warnings,omitempty"`
	// Like is the file of the recipe without choices: one with choices has only the
	// fields that differ, null where it has none.
	Like string `json:"like,omitempty"`
}

// SharedFile holds what all variants of a component have in common.
const SharedFile = "component.json"

// VariantFile is where a variant, NAME/VARIANT, lies.
func VariantFile(variant string) string { return "components/" + variant + ".json" }

// Document reads the document of one answer, a new one each time.
func (c *Catalog) Document(a Answer) (*Document, error) {
	d := &Document{}
	s := Stored{Document: d}
	if err := c.stored(a.File, &s); err != nil {
		return nil, fmt.Errorf("reading the recipe for %s: %w", strings.Join(a.Leaves, " and "), err)
	}
	d.Components = make([]schema.ComponentRef, len(s.Components))
	for i, variant := range s.Components {
		file := VariantFile(variant)
		for _, f := range []string{path.Join(path.Dir(file), SharedFile), file} {
			if err := c.read(f, &d.Components[i]); err != nil {
				return nil, fmt.Errorf("reading component %s of %s: %w", variant, a.File, err)
			}
		}
		d.Components[i].Values = Numbers(d.Components[i].Values).(map[string]any)
		d.Order = append(d.Order, d.Components[i].Name)
	}
	d.Profiles = c.profiles(a, d.Components)
	rules, err := c.rules()
	if err != nil {
		return nil, err
	}
	d.Rules = Applicable(rules, d)
	warnings, err := c.warnings()
	if err != nil {
		return nil, err
	}
	d.Warnings = warningsFor(warnings, d)
	full, err := schema.EncodeIndent(d)
	if err != nil {
		return nil, err
	}
	d.Digest = schema.DigestOf(full)
	return d, nil
}

// stored reads the file of an answer, over the one that it is like.
func (c *Catalog) stored(file string, s *Stored) error {
	if err := c.read(file, s); err != nil || s.Like == "" {
		return err
	}
	fields, over := map[string]json.RawMessage{}, map[string]json.RawMessage{}
	if err := c.read(s.Like, &fields); err != nil {
		return err
	}
	if err := c.read(file, &over); err != nil {
		return err
	}
	maps.Copy(fields, over)
	whole, err := json.Marshal(fields)
	if err != nil {
		return err
	}
	*s.Document = Document{}
	return decode(whole, s)
}

func (c *Catalog) read(file string, to any) error {
	data, err := fs.ReadFile(c.files, file)
	if err != nil {
		return err
	}
	return decode(data, to)
}

func decode(data []byte, to any) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	return dec.Decode(to)
}
