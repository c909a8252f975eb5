package upstream

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/NVIDIA/eidos/schema"
)

// maxFile is the longest file of a tree that is read.
const maxFile = 10 << 20 // bytes

// componentRefs converts the components that are deployed, by name.
func (c *conversion) componentRefs() map[string]map[string]any {
	out := map[string]map[string]any{}
	d := c.doc.At("componentRefs")
	if d == nil {
		c.values = "it has no components"
		return out
	}
	var off []string
	registry := c.registry()
	needing, unchecked := 0, 0
	for _, e := range d.Children() {
		name := e.TextAt("name")
		if strings.EqualFold(e.TextAt("overrides", "enabled"), "false") {
			off = append(off, name)
			continue
		}
		ref := c.componentRef(e, registry[name])
		if ref["needs"] != nil {
			needing++
		}
		if e.At("expectedResources") != nil || e.At("healthCheckAsserts") != nil {
			unchecked++
		}
		out[name] = ref
	}
	for _, ref := range out {
		deps, _ := ref["dependencyRefs"].([]any)
		ref["dependencyRefs"] = slices.DeleteFunc(deps, func(dep any) bool {
			if out[dep.(string)] != nil {
				return false
			}
			if !slices.Contains(off, dep.(string)) {
				c.note(d, "%s depends on %s, which the recipe does not deploy", ref["name"], dep)
			}
			return true
		})
	}
	if len(off) > 0 {
		c.note(d, "switched off, and left out: %s", strings.Join(off, ", "))
	}
	if unchecked > 0 {
		c.note(d, "expectedResources and health checks of %s are upstream's and are left out", count(unchecked, "component"))
	}
	switch {
	case c.tree != nil:
		c.values = "values from " + c.treeName
	case needing > 0:
		verb := "needs"
		if needing > 1 {
			verb = "need"
		}
		c.values = fmt.Sprintf("%d of %s %s files of the tree that %s made it from: --values-from DIR",
			needing, count(len(out), "component"), verb, either(c.doc.TextAt("metadata", "version"), "upstream"))
	default:
		c.values = "values from the recipe itself"
	}
	return out
}

// componentRef converts one component; defaults are the registry's.
func (c *conversion) componentRef(e, defaults *schema.Doc) map[string]any {
	c.unknown(e, "name", "namespace", "chart", "type", "source", "version", "tag", "valuesFile", "overrides", "patches", "dependencyRefs",
		"manifestFiles", "path", "cleanup", "expectedResources", "healthCheckAsserts", "values", "manifests", "displayName", "valueOverrideKeys", "scheduling")
	name := e.TextAt("name")
	helm := func(key string) string {
		if defaults == nil {
			return ""
		}
		return defaults.TextAt("helm", key)
	}
	ref := map[string]any{"name": name, "type": "Helm", "dependencyRefs": list(e.TextsAt("dependencyRefs"))}
	set(ref, "displayName", e.TextAt("displayName"))
	set(ref, "source", either(e.TextAt("source"), helm("defaultRepository")))
	set(ref, "version", either(e.TextAt("version"), helm("defaultVersion")))
	set(ref, "namespace", either(e.TextAt("namespace"), helm("defaultNamespace"), name))
	chart := either(e.TextAt("chart"), helm("defaultChart"))
	chart = chart[strings.LastIndex(chart, "/")+1:]
	var needs []string
	switch {
	case e.TextAt("type") == "Kustomize" || e.TextAt("tag") != "":
		// A ref that is not pinned is refused where it would be deployed.
		ref["type"] = "Kustomize"
		ref["kustomize"] = Kustomize(e, defaults)
		delete(ref, "source")
		delete(ref, "version")
	case chart == "" && ref["source"] == nil:
		ref["type"] = "Manifest"
		delete(ref, "version")
	default:
		set(ref, "chart", either(chart, name))
	}
	values, missing := c.componentValues(e, name)
	ref["values"] = values
	needs = append(needs, missing...)
	manifests, missing := c.manifests(e)
	if len(manifests) > 0 {
		ref["manifests"] = manifests
	}
	if needs = append(needs, missing...); len(needs) > 0 {
		ref["needs"] = list(needs)
	}
	if defaults != nil {
		if keys := defaults.TextsAt("valueOverrideKeys"); len(keys) > 0 {
			ref["valueOverrideKeys"] = list(keys)
		}
		if s := Scheduling(defaults); len(s) > 0 {
			ref["scheduling"] = s
		}
	}
	return ref
}

// componentValues merges what upstream merges: the component's values.yaml, its
// values file, what the recipe sets itself. missing are the files that were
// not read.
func (c *conversion) componentValues(e *schema.Doc, name string) (values map[string]any, missing []string) {
	values = map[string]any{}
	if d := e.At("values"); d != nil { // a hydrated recipe
		values, _ = d.Value().(map[string]any)
	}
	if file := e.TextAt("valuesFile"); file != "" {
		files := []string{file}
		if base := "components/" + name + "/values.yaml"; base != file && c.has(base) {
			files = []string{base, file}
		}
		for _, f := range files {
			data := c.read(e.At("valuesFile"), f)
			if data == nil {
				missing = append(missing, f)
				continue
			}
			merge(values, c.parse(f, data))
		}
	}
	if d := e.At("overrides"); d != nil {
		over, _ := d.Value().(map[string]any)
		delete(over, "enabled") // whether the component is there, not a value
		merge(values, over)
	}
	return values, missing
}

// parse reads a values file of the tree; an empty one has none.
func (c *conversion) parse(name string, data []byte) map[string]any {
	if strings.TrimSpace(string(data)) == "" {
		return nil
	}
	doc, err := schema.Parse(path.Join(c.treeName, name), data)
	if err != nil {
		c.problems.Add(err)
		return nil
	}
	values, _ := doc.Value().(map[string]any)
	return values
}

func (c *conversion) manifests(e *schema.Doc) (found []any, missing []string) {
	seen := map[string]bool{}
	for _, file := range e.TextsAt("manifestFiles") {
		if seen[file] {
			continue
		}
		seen[file] = true
		data := c.read(e.At("manifestFiles"), file)
		if data == nil {
			missing = append(missing, file)
			continue
		}
		found = append(found, map[string]any{"path": file, "digest": string(schema.DigestOf(data)), "content": string(data)})
	}
	return found, missing
}

func (c *conversion) has(name string) bool {
	if c.tree == nil || !fs.ValidPath(name) {
		return false
	}
	_, err := fs.Stat(c.tree, name)
	return err == nil
}

// read returns a file of the tree, nil if there is no tree. A tree that lacks
// the file is the wrong one.
func (c *conversion) read(at *schema.Doc, name string) []byte {
	if c.tree == nil {
		return nil
	}
	if !fs.ValidPath(name) {
		c.fail(at, schema.Errorf(schema.Invalid, "%q is not a path in a tree", name))
		return nil
	}
	info, err := fs.Stat(c.tree, name)
	if err != nil {
		e := schema.Errorf(schema.NotFound, "%q has no %q", c.treeName, name)
		if _, err := fs.Stat(c.tree, "recipes/registry.yaml"); err == nil {
			e = e.WithHint("use --values-from %s", path.Join(c.treeName, "recipes"))
		}
		c.fail(at, e)
		return nil
	}
	if info.Size() > maxFile {
		c.fail(at, schema.Errorf(schema.Invalid, "%q is over the limit of %d MiB", name, maxFile>>20))
		return nil
	}
	data, err := fs.ReadFile(c.tree, name)
	if err != nil {
		c.fail(at, schema.Errorf(schema.Failed, "reading the tree: %w", err))
	}
	return data
}

// registry returns the components of the tree's registry.yaml by name.
func (c *conversion) registry() map[string]*schema.Doc {
	out := map[string]*schema.Doc{}
	if !c.has("registry.yaml") {
		return out
	}
	data, err := fs.ReadFile(c.tree, "registry.yaml")
	if err != nil {
		c.problems.Add(schema.Errorf(schema.Failed, "reading the tree: %w", err))
		return out
	}
	doc, err := schema.Parse(path.Join(c.treeName, "registry.yaml"), data)
	if err != nil {
		c.problems.Add(err)
		return out
	}
	return Components(doc)
}

// Components returns the components of a registry by name. Newer registries
// have them in spec.
func Components(registry *schema.Doc) map[string]*schema.Doc {
	out := map[string]*schema.Doc{}
	d := registry.At("components")
	if d == nil {
		d = registry.At("spec", "components")
	}
	if d == nil {
		return out
	}
	for _, e := range d.Children() {
		out[e.TextAt("name")] = e
	}
	return out
}

// Kustomize is where a component of type Kustomize comes from, as #Kustomize:
// what its reference says, else the registry's defaults, which may be nil.
func Kustomize(ref, defaults *schema.Doc) map[string]any {
	out := map[string]any{}
	for ours, theirs := range map[string][2]string{"source": {"source", "defaultSource"}, "path": {"path", "defaultPath"}, "ref": {"tag", "defaultTag"}} {
		s := ref.TextAt(theirs[0])
		if s == "" && defaults != nil {
			s = defaults.TextAt("kustomize", theirs[1])
		}
		set(out, ours, strings.Trim(s, "/"))
	}
	return out
}

// Scheduling is where a component of a registry takes node scheduling, as
// #Scheduling.
func Scheduling(component *schema.Doc) map[string]any {
	out := map[string]any{}
	for _, nodes := range []string{"system", "accelerated"} {
		paths := map[string]any{}
		for theirs, ours := range map[string]string{"nodeSelectorPaths": "nodeSelector", "tolerationPaths": "tolerations", "taintStrPaths": "taintString"} {
			if p := component.TextsAt("nodeScheduling", nodes, theirs); len(p) > 0 {
				paths[ours] = list(p)
			}
		}
		if len(paths) > 0 {
			out[nodes] = paths
		}
	}
	if p := component.TextsAt("nodeScheduling", "nodeCountPaths"); len(p) > 0 {
		out["nodeCount"] = list(p)
	}
	if p := component.TextsAt("podScheduling", "workload", "workloadSelectorPaths"); len(p) > 0 {
		out["workloadSelector"] = list(p)
	}
	return out
}

// merge puts src over dst: objects key by key, all else replaced.
func merge(dst, src map[string]any) {
	for k, v := range src {
		into, ok := dst[k].(map[string]any)
		from, both := v.(map[string]any)
		if ok && both {
			merge(into, from)
			continue
		}
		dst[k] = v
	}
}
