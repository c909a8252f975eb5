package view

import (
	"cmp"
	"slices"
	"strings"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/schema"
)

// Criteria lists the words that a catalogue has, and every recipe with what to
// ask to get it. releases are those that can be asked for instead.
func Criteria(cat *recipes.Catalog, releases []string) (*schema.CriteriaList, error) {
	words, err := cat.Words()
	if err != nil {
		return nil, err
	}
	out := &schema.CriteriaList{Kind: "CriteriaList", APIVersion: schema.APIVersion, Version: cat.Version, Release: cat.Release, Releases: releases, Sources: cat.Sources}
	for _, field := range recipes.Fields() {
		f := schema.CriteriaField{Name: field}
		for _, w := range words.Fields[field] {
			f.Words = append(f.Words, schema.CriteriaName{Name: w.Name, Display: w.Display, Aliases: w.Aliases, Fallback: w.Fallback})
		}
		out.Fields = append(out.Fields, f)
	}
	defaults, err := cat.Defaults()
	if err != nil {
		return nil, err
	}
	for _, a := range defaults {
		out.Recipes = append(out.Recipes, criteriaRecipe(cat, a))
	}
	seen := map[string]bool{}
	for _, o := range cat.Overlays {
		for _, p := range o.Profiles {
			if layer := p.Layer(""); !seen[layer] { // a mixin's is that of each overlay with it
				seen[layer] = true
				out.Profiles = append(out.Profiles, criteriaProfile(p))
			}
		}
	}
	slices.SortFunc(out.Profiles, func(a, b schema.CriteriaProfile) int {
		return cmp.Or(strings.Compare(a.From, b.From), strings.Compare(a.Name, b.Name))
	})
	slices.SortFunc(out.Recipes, func(a, b schema.CriteriaRecipe) int {
		return strings.Compare(strings.Join(a.Overlays, " "), strings.Join(b.Overlays, " "))
	})
	return out, nil
}

func criteriaProfile(p recipes.Profile) schema.CriteriaProfile {
	out := schema.CriteriaProfile{Name: p.Name, From: p.From, Description: p.Description, Default: p.Default}
	for _, c := range p.Choices {
		out.Choices = append(out.Choices, schema.CriteriaChoice{Name: c.Name, Description: c.Description, Maturity: c.Maturity})
	}
	return out
}

// criteriaRecipe is one answer of a catalogue: what its overlays state together
// selects it. It is as proven as an overlay that states all of it.
func criteriaRecipe(cat *recipes.Catalog, a recipes.Answer) schema.CriteriaRecipe {
	r := schema.CriteriaRecipe{Overlays: []string{}, Maturity: "experimental"}
	var all recipes.Criteria
	var about []string
	for _, name := range a.Leaves {
		o, _ := cat.Overlay(name)
		stated := recipes.CriteriaOf(o.Criteria)
		if stated == (recipes.Criteria{}) {
			continue // it applies everywhere
		}
		for i, v := range stated {
			if v != "" {
				all[i] = v
			}
		}
		r.Overlays = append(r.Overlays, name)
		if o.Description != "" {
			about = append(about, o.Description)
		}
	}
	r.Criteria, r.Description = all.Schema(), strings.Join(about, "; ")
	if slices.ContainsFunc(a.Leaves, func(name string) bool {
		o, _ := cat.Overlay(name)
		return o.Criteria == r.Criteria && cat.Proven(name)
	}) {
		r.Maturity = "stable"
	}
	return r
}
