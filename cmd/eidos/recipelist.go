package main

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/NVIDIA/eidos/cmd/internal/flags"
	"github.com/NVIDIA/eidos/cmd/internal/usage"
	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/schema"
)

// recipeList filters the overlays of one catalogue; each filter that is given has to
// hold. Words that the catalogue does not have are refused, as an empty list would read
// like an answer.
func (a *app) recipeList() *cobra.Command {
	var format, maturity, since, profile string
	var releases bool
	c := &cobra.Command{
		Use:   "list",
		Short: "List the overlays that recipes are made of, and what they answer",
		Long: `List the overlays that recipes are made of, and what they answer. Criteria list
those that state them, their bases' included; --maturity those that a reference
cluster has proven (stable), or has not (experimental); --profile those with a
choice of that name, in their recipes: eidos recipe --profile NAME=CHOICE. --since RELEASE lists what
changed since an older release: overlays that are new, and how much of the recipe
for the criteria of each is different. --releases lists the releases of the
catalogue instead.`,
		Example: `  eidos recipe list --service eks --accelerator h100
  eidos recipe list --maturity stable --format yaml
  eidos recipe list --since 2026-03 --service gke
  eidos recipe list --releases`,
		Args: cobra.NoArgs,
	}
	k := catalogueFlags(c)
	asked := a.criteriaFlags(c, "nodes")
	grades := []string{"stable", "experimental"}
	c.Flags().StringVar(&maturity, "maturity", "", "only those of this maturity: "+usage.Or(grades))
	usage.Must(c.RegisterFlagCompletionFunc("maturity", cobra.FixedCompletions(grades, cobra.ShellCompDirectiveNoFileComp)))
	c.Flags().StringVar(&profile, "profile", "", "only those whose recipes have this profile, NAME")
	c.Flags().BoolVar(&releases, "releases", false, "list the releases of the catalogue instead")
	c.Flags().StringVar(&since, "since", "", "what changed since this release of the catalogue")
	usage.Must(c.RegisterFlagCompletionFunc("since", cobra.FixedCompletions(recipes.Releases(), cobra.ShellCompDirectiveNoFileComp)))
	usage.Format(c, &format, "table", "yaml", "json")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if releases {
			m := usage.Mode{When: "with --releases", Takes: []string{"releases", "format"}, Hint: "leave out --releases to list overlays"}
			if err := m.Check(c); err != nil {
				return err
			}
			return a.listReleases(format)
		}
		if maturity != "" && !slices.Contains(grades, maturity) {
			return schema.Errorf(schema.Invalid, "--maturity: no maturity %q", maturity).WithHint("%s", schema.Suggest(maturity, grades))
		}
		cat, err := a.catalog(c.Context(), *k)
		if err != nil {
			return err
		}
		if all := profileNames(cat); profile != "" && !slices.Contains(all, profile) {
			return schema.Errorf(schema.Invalid, "--profile: no profile %q", profile).WithHint("%s", schema.Suggest(profile, all))
		}
		var q schema.Criteria
		if err := flags.Decode(asked(), &q); err != nil {
			return err
		}
		// Known also replaces other names of a word by the one that overlays have.
		if q, err = cat.Known(q); err != nil {
			return flags.About(err)
		}
		// Listed is what states all that was asked for, and may state more.
		found := []recipes.Overlay{} // [], not null
		for _, o := range cat.Overlays {
			if recipes.CriteriaOf(q).Within(recipes.CriteriaOf(o.Criteria)) && (maturity == "" || o.Maturity == maturity) &&
				(profile == "" || slices.ContainsFunc(cat.Profiles(o.Name), func(p recipes.Profile) bool { return p.Name == profile })) {
				found = append(found, o)
			}
		}
		if since != "" {
			return a.listChanged(cat, since, found, format)
		}
		return a.listOverlays(cat, found, format)
	}
	return c
}

// listOverlays prints overlays, for people or with the digest of the recipe for the
// criteria of each. Only the latter resolves anything, one recipe for each overlay.
func (a *app) listOverlays(cat *recipes.Catalog, found []recipes.Overlay, format string) error {
	if format == "table" {
		rows := [][]string{{"NAME", "MATURITY", "FOR", "ASK WITH", "PROFILES"}}
		for _, o := range found {
			rows = append(rows, []string{o.Name, o.Maturity, o.Description, recipes.CriteriaOf(o.Criteria).Flags(), profiles(cat.Profiles(o.Name))})
		}
		return a.Table(dashes(rows))
	}
	type row struct {
		recipes.Overlay
		Catalog schema.Digest `json:"catalog"` // metadata.catalog of the recipe for its criteria
	}
	rows := []row{}
	for _, o := range found {
		r, err := cat.Resolve(o.Criteria, true)
		if err != nil {
			return err
		}
		o.Profiles = cat.Profiles(o.Name)
		rows = append(rows, row{o, r.Metadata.Catalog})
	}
	return a.printList(rows, format)
}

// profileNames are those of all overlays.
func profileNames(cat *recipes.Catalog) []string {
	set := map[string]bool{}
	for _, o := range cat.Overlays {
		for _, p := range o.Profiles {
			set[p.Name] = true
		}
	}
	return slices.Sorted(maps.Keys(set))
}

// profiles are the choices of profiles on one line, each default first.
func profiles(all []recipes.Profile) string {
	var out []string
	for _, p := range all {
		words := []string{p.Default}
		for _, c := range p.Choices {
			if c.Name != p.Default {
				words = append(words, c.Name)
			}
		}
		out = append(out, p.Name+"="+strings.Join(words, "|"))
	}
	return strings.Join(out, " ")
}

// listReleases prints the releases of the built-in catalogue, the newest last, which is
// the default. It opens all of them, and reads all answers of each to count the recipes.
func (a *app) listReleases(format string) error {
	type row struct {
		Release  string        `json:"release"`
		Version  string        `json:"version"`
		Overlays int           `json:"overlays"`
		Stable   int           `json:"stable"`  // overlays that a reference cluster has proven
		Recipes  int           `json:"recipes"` // distinct ones
		Sources  schema.Digest `json:"sources"`
		Default  bool          `json:"default,omitempty"`
	}
	var rows []row
	table := [][]string{{"RELEASE", "VERSION", "OVERLAYS", "STABLE", "RECIPES", "DEFAULT"}}
	names := recipes.Releases()
	for i, name := range names {
		cat, err := recipes.Release(name)
		if err != nil {
			return err
		}
		answers, err := cat.Answers()
		if err != nil {
			return err
		}
		r := row{Release: name, Version: cat.Version, Overlays: len(cat.Overlays), Recipes: len(answers), Sources: cat.Sources, Default: i == len(names)-1}
		for _, o := range cat.Overlays {
			if o.Maturity == "stable" {
				r.Stable++
			}
		}
		mark := "-"
		if r.Default {
			mark = "yes"
		}
		rows = append(rows, r)
		table = append(table, []string{name, r.Version, strconv.Itoa(r.Overlays), strconv.Itoa(r.Stable), strconv.Itoa(r.Recipes), mark})
	}
	if format == "table" {
		return a.Table(table)
	}
	return a.printList(rows, format)
}

// printList prints rows as JSON or YAML. A nil slice would be null: callers make empty
// ones.
func (a *app) printList(rows any, format string) error {
	encode := schema.EncodeYAML
	if format == "json" {
		encode = schema.EncodeIndent
	}
	data, err := encode(rows)
	if err != nil {
		return err
	}
	_, err = a.Out.Write(data)
	return err
}
