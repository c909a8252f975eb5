package render

import (
	"io/fs"
	"path"
	"strings"

	"github.com/NVIDIA/eidos/schema"
)

// MadeFrom returns the recipe that a bundle was made from, as the bundle states it.
func MadeFrom(tree fs.FS, m schema.BundleMetadata) (*schema.RecipeResult, error) {
	if m.Origin != "" {
		return nil, schema.Errorf(schema.Invalid, "the bundle was written by another tool (%s): what it deploys is not known", m.Origin).
			WithHint("name the recipe that it was made from")
	}
	data, err := readFile(tree, "recipe.yaml", maxFile)
	if err != nil {
		return nil, err
	}
	var r schema.RecipeResult
	if err := schema.Decode("recipe.yaml", data, &r); err != nil {
		return nil, err
	}
	return &r, nil
}

// Recipe returns the recipe that a bundle deploys: the one it was made from,
// with the values that were rendered and without what was left out.
func Recipe(tree fs.FS, m schema.BundleMetadata) (*schema.RecipeResult, error) {
	r, err := MadeFrom(tree, m)
	if err != nil {
		return nil, err
	}
	var in []schema.ComponentRef
	for _, c := range r.ComponentRefs {
		values, err := deployedValues(tree, m, &c)
		if schema.CodeOf(err) == schema.NotFound {
			continue // left out
		}
		if err != nil {
			return nil, err
		}
		c.Values = values
		if err := deployedReady(tree, m, &c); err != nil {
			return nil, err
		}
		in = append(in, c)
	}
	r.ComponentRefs = in
	return r, nil
}

// deployedValues are the values of a component in a bundle. NotFound if it is
// not in it.
func deployedValues(tree fs.FS, m schema.BundleMetadata, c *schema.ComponentRef) (map[string]any, error) {
	dir := path.Join("components", c.Name)
	read := func(name string, keys ...string) (map[string]any, error) {
		data, err := readFile(tree, name, maxFile)
		if err != nil {
			return nil, err
		}
		return mapping(name, data, keys)
	}
	switch {
	case m.Layout == splitLayout:
		return splitValues(tree, c)
	case m.Deployer == "helm" && m.Layout == "umbrella":
		v, err := read("values.yaml", c.Name)
		delete(v, "enabled") // the umbrella chart's own
		return v, err
	case c.Type != "Helm":
		name := path.Join(dir, "manifests", "values.yaml")
		return read(name, c.Name)
	case m.Deployer == "argocd":
		name := path.Join("applications", c.Name+".yaml")
		data, err := readFile(tree, name, maxFile)
		if err != nil {
			return nil, err
		}
		doc, err := schema.Parse(name, data)
		if err != nil {
			return nil, err
		}
		from := doc.At("spec", "sources", "0")
		if from == nil {
			return nil, schema.Errorf(schema.Invalid, "%s has no sources", name)
		}
		var keys []string
		if from.TextAt("chart") == "" {
			keys = []string{c.Chart} // of the chart around it
		}
		return mapping(name, []byte(from.TextAt("helm", "values")), keys)
	case m.Deployer == "argocd-helm":
		var keys []string
		if _, err := readFile(tree, path.Join(dir, "chart", "Chart.yaml"), maxFile); err == nil {
			keys = []string{c.Chart} // of the chart around it
		}
		return read(path.Join("applications", "values", c.Name+".yaml"), keys...)
	case m.Deployer == "flux":
		name := path.Join("releases", c.Name+".yaml")
		data, err := readFile(tree, name, maxFile)
		if err != nil {
			return nil, err
		}
		for _, text := range strings.Split(string(data), "\n---\n") {
			doc, err := schema.Parse(name, []byte(text))
			if err != nil {
				return nil, err
			}
			if doc.TextAt("kind") == "ConfigMap" {
				return mapping(name, []byte(doc.TextAt("data", "values.yaml")), nil)
			}
		}
		return nil, schema.Errorf(schema.Invalid, "%s has no ConfigMap with values", name)
	}
	return read(path.Join(dir, "values.yaml"))
}

// mapping reads the mapping at keys of a YAML document. NotFound if there is no
// such key.
func mapping(name string, data []byte, keys []string) (map[string]any, error) {
	doc, err := schema.Parse(name, data)
	if err != nil {
		return nil, err
	}
	if doc = doc.At(keys...); doc == nil {
		return nil, schema.Errorf(schema.NotFound, "%s has no %s", name, strings.Join(keys, "."))
	}
	v, ok := doc.Value().(map[string]any)
	if !ok {
		return nil, schema.Errorf(schema.Invalid, "%s: %s is not a mapping", name, strings.Join(keys, "."))
	}
	return v, nil
}
