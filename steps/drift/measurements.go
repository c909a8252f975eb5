package drift

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/constraint"
)

// Snapshots says what is different in now from what was measured before. The
// times at which the two were taken are no difference. What is not the same on
// all nodes of a fleet counts as one value, which says which nodes have what.
func Snapshots(before, now *schema.Snapshot, p schema.DiffParams) *schema.Drift {
	r := newReport(p, sideOf(before), sideOf(now))
	a, b := subtypes(before), subtypes(now)
	mixedA, mixedB := mixed(before), mixed(now)
	seen := map[string]bool{}
	value := func(path string, from, to schema.Scalar) {
		seen[path] = true
		r.value(path, cmp.Or(mixedA[path], from), cmp.Or(mixedB[path], to))
	}
	for _, name := range union(a, b) {
		from, inA := a[name]
		to, inB := b[name]
		switch {
		case !inB:
			r.compare(name, schema.Change{Change: "removed", Reason: why(now, name)})
		case !inA:
			r.compare(name, schema.Change{Change: "added", Reason: why(before, name)})
		default:
			for _, key := range union(from, to) {
				value(name+"."+key, from[key], to[key])
			}
		}
	}
	for _, path := range union(mixedA, mixedB) {
		if !seen[path] {
			value(path, nil, nil)
		}
	}
	return r.done()
}

// mixed returns what differs between the nodes of a fleet, by path.
func mixed(s *schema.Snapshot) map[string]schema.Scalar {
	out := map[string]schema.Scalar{}
	for _, d := range s.Differences {
		var parts []string
		for _, v := range d.Values {
			parts = append(parts, fmt.Sprintf("%s (%s)", v.Value, strings.Join(v.Nodes, ", ")))
		}
		out[d.Path] = strings.Join(parts, ", ")
	}
	return out
}

// value compares one measured value; nil is none.
func (r *report) value(path string, from, to schema.Scalar) {
	c := schema.Change{From: constraint.Text(from), To: constraint.Text(to)}
	switch {
	case from == nil:
		c.Change = "added"
	case to == nil:
		c.Change = "removed"
	case c.From != c.To:
		c.Change = "changed"
	}
	r.compare(path, c)
}

// subtypes returns what a snapshot holds by Type.Subtype.
func subtypes(s *schema.Snapshot) map[string]map[string]schema.Scalar {
	out := map[string]map[string]schema.Scalar{}
	for _, m := range s.Measurements {
		for _, sub := range m.Subtypes {
			out[string(m.Type)+"."+sub.Subtype] = sub.Data
		}
	}
	return out
}

// collectors says which collector measures a type.
var collectors = map[string]string{
	"GPU": "gpu", "K8s": "k8s", "NodeTopology": "topology", "OS": "os", "SystemD": "systemd",
}

// why says what became of the collector of Type.Subtype in s, "" if it read
// everything.
func why(s *schema.Snapshot, path string) string {
	typ, _, _ := strings.Cut(path, ".")
	for _, c := range s.Collectors {
		if c.Name == collectors[typ] && c.Reason != "" {
			return "collector " + c.Name + ": " + partReason(c, path)
		}
	}
	return ""
}

// partReason is what c says of the part that measures Type.Subtype: reasons of
// several parts are "PART: WHY; PART: WHY".
func partReason(c schema.CollectorStatus, path string) string {
	_, rest, _ := strings.Cut(path, ".")
	for _, r := range strings.Split(c.Reason, "; ") {
		if part, why, ok := strings.Cut(r, ": "); ok && (rest == part || strings.HasPrefix(rest, part+".")) {
			return part + ": " + why
		}
	}
	return c.Status + ": " + c.Reason
}

// union returns the keys of both maps, sorted.
func union[V any](a, b map[string]V) []string {
	keys := slices.AppendSeq(slices.Collect(maps.Keys(a)), maps.Keys(b))
	slices.Sort(keys)
	return slices.Compact(keys)
}
