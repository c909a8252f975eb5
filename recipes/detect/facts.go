package detect

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/constraint"
)

// fact is one measured value, a node's label with the nodes that have it.
type fact struct {
	group, key, value string // group is Type.subtype
	nodes             string
	// pretty is the name for people of what an id names, from the same file.
	pretty string
}

// String is the fact as evidence, "path = value".
func (f fact) String() string {
	text := fmt.Sprintf("%s.%s = %s", f.group, f.key, cut(f.value, 120))
	if f.nodes != "" {
		text += " (" + cut(f.nodes, 80) + ")"
	}
	return text
}

func cut(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}

// facts are the measurements that rules are about, by Type.subtype.
type facts struct {
	by map[string][]fact
	// off says why what was measured on this host proves nothing about nodes.
	off string
	s   *schema.Snapshot
	// gpus are the nodes that are known to have a GPU; nil if the snapshot has
	// not all of them.
	gpus map[string]bool
}

// read takes from s what the rules of w are about.
func read(w *recipes.Words, s *schema.Snapshot) facts {
	fs := facts{by: map[string][]fact{}, off: s.OffNode(), s: s}
	for group := range groups(w) {
		fs.by[group] = nil
	}
	for _, m := range s.Measurements {
		if fs.off != "" && m.Type.Local() {
			continue
		}
		for _, sub := range m.Subtypes {
			group := string(m.Type) + "." + sub.Subtype
			if _, ok := fs.by[group]; !ok {
				continue
			}
			pretty := ""
			if v, ok := sub.Data["PRETTY_NAME"]; ok {
				pretty = constraint.Text(v)
			}
			for key, v := range sub.Data {
				fs.by[group] = append(fs.by[group], newFact(group, key, constraint.Text(v), pretty))
			}
		}
	}
	for _, d := range s.Differences {
		typ, rest, _ := strings.Cut(d.Path, ".")
		sub, key, _ := strings.Cut(rest, ".")
		group := typ + "." + sub
		if _, ok := fs.by[group]; !ok || fs.off != "" && schema.MeasurementType(typ).Local() {
			continue
		}
		for _, v := range d.Values {
			if v.Value == schema.AbsentValue {
				continue
			}
			fs.by[group] = append(fs.by[group], fact{group: group, key: key, value: v.Value, nodes: strings.Join(v.Nodes, ", ")})
		}
	}
	for _, all := range fs.by {
		slices.SortFunc(all, func(a, b fact) int {
			return cmp.Or(strings.Compare(a.key, b.key), strings.Compare(a.value, b.value), strings.Compare(a.nodes, b.nodes))
		})
	}
	fs.gpus = fs.gpuNodes(w)
	return fs
}

// gpuNodes are the nodes with a label that names their GPU. nil if there are
// none, or if the snapshot does not list all of them.
func (fs facts) gpuNodes(w *recipes.Words) map[string]bool {
	out := map[string]bool{}
	for _, x := range fs.by[labels] {
		if x.value == "" || x.nodes == "" || !constraint.GPULabel(x.key, x.value) && !namesGPU(w, x.key) {
			continue
		}
		nodes, all := constraint.Listed(x.nodes)
		if !all {
			return nil
		}
		for _, n := range nodes {
			out[n] = true
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

// namesGPU reports whether a label's key is one that names a GPU.
func namesGPU(w *recipes.Words, key string) bool {
	for rule := range w.Naming["accelerator"] {
		if label, ok := strings.CutPrefix(rule, labels+"."); ok && like(key, strings.NewReplacer("<", "", ">", "").Replace(label)) {
			return true
		}
	}
	return false
}

// withoutGPU names the nodes that x is of, where none of them has a GPU and
// others have.
func (fs facts) withoutGPU(x fact) string {
	text := x.nodes
	if text == "" && (typeOf(x.group).Local() || x.group == "K8s.node") {
		for _, f := range fs.by["K8s.node"] {
			if f.key == "source-node" {
				text = f.value
			}
		}
	}
	nodes, all := constraint.Listed(text)
	if fs.gpus == nil || text == "" || !all || slices.ContainsFunc(nodes, func(n string) bool { return fs.gpus[n] }) {
		return ""
	}
	return cut(text, 80)
}

// labels is the subtype that holds the labels of nodes.
const labels = "NodeTopology.label"

// newFact is one measured value; of a label, with its nodes.
func newFact(group, key, value, pretty string) fact {
	f := fact{group: group, key: key, value: value, pretty: pretty}
	if group != labels {
		return f
	}
	f.key, f.value, f.nodes = constraint.Label(key, value)
	return f
}

// groups are the Type.subtype that the rules of w are about.
func groups(w *recipes.Words) map[string]bool {
	out := map[string]bool{}
	add := func(rule string) {
		group, _ := split(rule)
		out[group] = true
	}
	for _, rules := range w.Naming {
		for rule := range rules {
			add(rule)
		}
	}
	for _, field := range w.Fields {
		for _, x := range field {
			for _, rules := range []map[string]recipes.Evidence{x.Proof, x.Sign, x.Against} {
				for rule := range rules {
					add(rule)
				}
			}
		}
	}
	return out
}

// split is a rule's Type.subtype and key. Subtypes that rules can be about have
// no dots.
func split(rule string) (group, key string) {
	typ, rest, _ := strings.Cut(rule, ".")
	sub, key, _ := strings.Cut(rest, ".")
	return typ + "." + sub, key
}

// found is a fact that a rule is about, and the name in it.
type found struct {
	fact
	name string
}

// at yields the facts that a rule is about, and notes that they were looked at.
func (f *weighing) at(rule string, fs facts) iter.Seq[found] {
	group, key := split(rule)
	if t := typeOf(group); !slices.Contains(f.types, t) {
		f.types = append(f.types, t)
	}
	before, named, after := key, "", ""
	if a, rest, ok := strings.Cut(key, "<"); ok {
		before = a
		named, after, _ = strings.Cut(rest, ">")
	}
	return func(yield func(found) bool) {
		for _, x := range fs.by[group] {
			name := x.value
			switch {
			case named != "":
				mid, ok := between(x.key, before, after)
				if !ok || !like(mid, named) {
					continue
				}
				name = mid
			case strings.HasPrefix(x.key, key+".") && group == labels && !strings.Contains(key, "*") && x.nodes == "":
				// A value in the key, without a sign between: older documents.
				name = strings.TrimPrefix(x.key, key+".")
			case !like(x.key, key):
				continue
			}
			// Recipes are for the nodes with GPUs: what the others run is no matter.
			if nodes := fs.withoutGPU(x); nodes != "" && f.field == "os" {
				if text := nodes + ": without a GPU, which other nodes have"; !slices.Contains(f.off, text) {
					f.off = append(f.off, text)
				}
				continue
			}
			if text := x.String(); !slices.Contains(f.looked, text) {
				f.looked = append(f.looked, text)
			}
			if !yield(found{x, name}) {
				return
			}
		}
	}
}

func typeOf(group string) schema.MeasurementType {
	typ, _, _ := strings.Cut(group, ".")
	return schema.MeasurementType(typ)
}

// unread says which of types the snapshot cannot show, and why.
func (fs facts) unread(types []schema.MeasurementType) []string {
	var out []string
	for _, t := range types {
		if fs.off != "" && t.Local() {
			out = append(out, fmt.Sprintf("%s: %s", t, fs.off))
			continue
		}
		if slices.ContainsFunc(fs.s.Measurements, func(m schema.Measurement) bool { return m.Type == t }) {
			continue
		}
		why := "not in the snapshot"
		for _, c := range fs.s.Collectors {
			if c.Name == collector(t) && c.Reason != "" {
				why = c.Reason
			}
		}
		out = append(out, fmt.Sprintf("%s: %s", t, why))
	}
	slices.Sort(out)
	return out
}

// collector measures a type.
func collector(t schema.MeasurementType) string {
	if t == "NodeTopology" {
		return "topology"
	}
	return strings.ToLower(string(t))
}
