package images

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/recipes/charts"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/imageref"
)

// RelocateKind is the kind `relocate`.
func RelocateKind(o Options) engine.Kind {
	return engine.Define(engine.Spec{
		Name: "relocate", Doc: "make a recipe take its charts and images from a mirror", Version: 2,
	}, func(_ context.Context, env engine.Env, p schema.RelocateParams, in struct {
		Recipe *schema.RecipeResult `in:"recipe"`
	}) (*schema.RecipeResult, error) {
		r, notes, err := o.Relocate(in.Recipe, p.To)
		for _, n := range notes {
			env.Log("%s", n)
		}
		return r, err
	})
}

// Relocate returns a recipe whose charts and images come from the mirror at to,
// registry[/prefix]: the sources of its charts, the values that name images and
// the images that its own manifests name are replaced, and it names the mirror, for
// the images of its checks. It returns notes of the
// images that no value is known for.
func (o Options) Relocate(r *schema.RecipeResult, to string) (*schema.RecipeResult, []string, error) {
	to = strings.TrimSuffix(strings.TrimPrefix(to, "oci://"), "/")
	out := *r
	out.Metadata.Mirror = to
	out.ComponentRefs = slices.Clone(r.ComponentRefs)
	var notes []string
	for i := range out.ComponentRefs {
		c := &out.ComponentRefs[i]
		set := copyValues(c.Values)
		if c.Type == "Helm" {
			facts, err := o.Facts.Find(c.Chart, c.Version)
			switch {
			case schema.CodeOf(err) == schema.NotFound:
				notes = append(notes, fmt.Sprintf("%s: nothing is known of the chart %s %s: its images stay where they are", c.Name, c.Chart, c.Version))
			case err != nil:
				return nil, nil, err
			default:
				for _, n := range relocateChart(facts, c.Values, set, to) {
					notes = append(notes, c.Name+": "+n)
				}
			}
			c.Source = "oci://" + to + "/charts"
		}
		c.Manifests = slices.Clone(c.Manifests)
		for k := range c.Manifests {
			if err := o.relocateManifest(&c.Manifests[k], c.Values, set, to); err != nil {
				return nil, nil, err
			}
		}
		c.Values = set
	}
	return &out, notes, nil
}

// relocateChart puts the mirror into the values that name the images of a chart.
func relocateChart(c *charts.Chart, values, set map[string]any, to string) (notes []string) {
	v := chartValues{c, values}
	images, notes := ofChart(c, values)
	for _, n := range images {
		if n.group == nil {
			notes = append(notes, fmt.Sprintf("no value is known that names %s: it stays where it is", n.Ref))
			continue
		}
		// The first part that says something has the registry.
		for _, p := range n.group.parts {
			old := v.text(p)
			if old == "" {
				continue
			}
			setValue(set, p, to+"/"+relocated(old, n.Repository))
			break
		}
	}
	return notes
}

// relocated is the first part of a repository below a mirror: its registry is
// written out, and has no port.
func relocated(part, repository string) string {
	host, _, _ := strings.Cut(repository, "/")
	name := strings.ReplaceAll(host, ":", "-")
	if rest, ok := strings.CutPrefix(part, host); ok && (rest == "" || rest[0] == '/') {
		return name + rest
	}
	if full := imageref.Qualify(part); strings.HasPrefix(full, host+"/") { // docker.io, which was not written
		return name + strings.TrimPrefix(full, host)
	}
	return name + "/" + part
}

// relocateManifest replaces the images of a manifest: in the values that name
// them, else in its text, which the recipe then holds.
func (o Options) relocateManifest(m *schema.Manifest, values, set map[string]any, to string) error {
	text, err := o.manifest(*m)
	if err != nil {
		return schema.Errorf(schema.CodeOf(err), "manifest %q cannot be read: %w", m.Path, err)
	}
	images, _ := ofManifest(m.Path, text, values)
	changed := text
	for _, p := range images {
		target := imageref.InMirror(to, p.text)
		if p.keys != nil {
			setValue(set, charts.JoinPath(p.keys), target)
			continue
		}
		changed = strings.ReplaceAll(changed, "image: "+p.text, "image: "+target)
	}
	if changed != text {
		m.Content, m.Digest = changed, schema.DigestOf([]byte(changed))
	}
	return nil
}

// setValue sets the value at a path; a malformed path of a fact file is ours.
func setValue(values map[string]any, path, to string) {
	keys, err := charts.SplitPath(path)
	if err != nil {
		panic("BUG: " + err.Error())
	}
	at := values
	for _, k := range keys[:len(keys)-1] {
		next, ok := at[k].(map[string]any)
		if !ok {
			next = map[string]any{}
			at[k] = next
		}
		at = next
	}
	at[keys[len(keys)-1]] = to
}

// copyValues copies a tree of mappings, so that the recipe stays as it was.
func copyValues(m map[string]any) map[string]any {
	out := make(map[string]any, len(m))
	for k, v := range m {
		if sub, ok := v.(map[string]any); ok {
			v = copyValues(sub)
		}
		out[k] = v
	}
	return out
}
