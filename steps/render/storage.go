package render

import (
	"fmt"
	"maps"
	"slices"

	"github.com/NVIDIA/eidos/recipes/charts"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/path"
)

// storage writes the storage classes that were asked for to where the components
// have one. What the user set otherwise stays. It returns notes of what nothing
// takes.
func storage(cs []*component, p schema.RenderParams) ([]string, error) {
	if p.StorageClass == "" && p.SharedStorageClass == "" {
		return nil, nil
	}
	taken := map[bool]bool{} // by whether the volume is shared
	var errs []error
	for _, c := range cs {
		for _, keys := range c.storageClasses() {
			shared := c.shared(keys)
			class := p.StorageClass
			if shared {
				class = p.SharedStorageClass
			}
			taken[shared] = true
			if class == "" || c.changed(keys) {
				continue
			}
			if err := replace(c.values, path.Keys(keys...), class); err != nil {
				errs = append(errs, schema.Errorf(schema.Invalid, "component %q: storage class: %w", c.Name, err))
			}
		}
	}
	var notes []string
	for _, o := range []struct {
		option, class string
		shared        bool
	}{{"storage-class", p.StorageClass, false}, {"shared-storage-class", p.SharedStorageClass, true}} {
		if o.class != "" && !taken[o.shared] {
			notes = append(notes, fmt.Sprintf("--%s is given, but no component of this recipe takes it", o.option))
		}
	}
	return notes, schema.Join(errs)
}

// storageClasses lists the paths of the storage classes of volumes that c has:
// those that its values name, those of its volume claims, and those that the
// chart is known to have and that are not switched off.
func (c *component) storageClasses() [][]string {
	var out [][]string
	add := func(keys []string) {
		if c.on(keys) && !slices.ContainsFunc(out, func(k []string) bool { return slices.Equal(k, keys) }) {
			out = append(out, slices.Clone(keys))
		}
	}
	c.leaves(c.values, func(keys []string, _ any) {
		if isStorageClass(keys) {
			add(keys)
		}
		// A claim without a class gets one: …volumeClaimTemplate.spec.
		if i := slices.Index(keys, "volumeClaimTemplate"); i >= 0 && len(keys) > i+1 && keys[i+1] == "spec" {
			add(append(slices.Clone(keys[:i+2]), "storageClassName"))
		}
	})
	if f := c.chartFacts(); f != nil {
		for _, p := range slices.Sorted(maps.Keys(f.Values)) {
			keys, err := charts.SplitPath(p)
			if v := f.Values[p]; err == nil && !v.Unread && (v.Type == "string" || v.Type == "null") && isStorageClass(keys) {
				add(keys)
			}
		}
	}
	return out
}

// isStorageClass reports whether a value is the storage class of one volume. What
// a chart has under global is of all of them, and the volumes' own are set.
func isStorageClass(keys []string) bool {
	last := keys[len(keys)-1]
	return (last == "storageClass" || last == "storageClassName") && !slices.Contains(keys, "global")
}

// on reports whether the volume is rendered, as far as is known: neither its
// mapping nor its subchart is switched off.
func (c *component) on(keys []string) bool {
	enabled := append(slices.Clone(keys[:len(keys)-1]), "enabled")
	if v, err := path.Keys(enabled...).Get(c.values); err == nil && v == false {
		return false
	}
	f := c.chartFacts()
	if f == nil {
		return true
	}
	if k, err := f.Know(enabled); err == nil && k.Type == "bool" && !f.On([]string{charts.JoinPath(enabled)}, k.Default == false, c.values) {
		return false
	}
	for _, d := range f.Dependencies {
		name := d.Alias
		if name == "" {
			name = d.Name
		}
		if keys[0] == name && d.Condition != "" && !f.On([]string{d.Condition}, d.Off, c.values) {
			return false
		}
	}
	return true
}

// shared reports whether many nodes write the volume whose class is at keys.
func (c *component) shared(keys []string) bool {
	for _, name := range []string{"accessModes", "accessMode", "volumeAccessMode"} {
		v, err := path.Keys(append(slices.Clone(keys[:len(keys)-1]), name)...).Get(c.values)
		if err != nil {
			continue
		}
		list, _ := v.([]any)
		if v == "ReadWriteMany" || slices.Contains(list, any("ReadWriteMany")) {
			return true
		}
	}
	return false
}

// changed reports whether the user gave the value at keys another than the recipe's.
func (c *component) changed(keys []string) bool {
	now, err := path.Keys(keys...).Get(c.values)
	if err != nil {
		return false
	}
	was, err := path.Keys(keys...).Get(c.Values)
	return err != nil || was != now
}
