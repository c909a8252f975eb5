package agent

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/constraint"
	"github.com/NVIDIA/eidos/steps/drift"
	"github.com/NVIDIA/eidos/steps/kube"
)

// fleet is what is known of many nodes beside their snapshots.
type fleet struct {
	nodes   []kube.GPUNode
	names   []schema.Collector // that read cluster, if any were wanted
	cluster result             // what concerns the whole cluster
}

// merge makes one snapshot of those of many nodes: what is the same on all of
// them as measurements, what is not as differences. A path that differs is not
// a measurement, so that no constraint passes because of one node. Nodes are sorted, so
// that the same cluster has the same snapshot in whatever order its Pods ended.
func merge(results []result, f fleet, bestEffort bool, o Options) (*schema.Snapshot, error) {
	slices.SortFunc(results, func(a, b result) int { return strings.Compare(a.node, b.node) })
	var errs []error
	byNode := map[string]*schema.Snapshot{}
	for _, r := range results {
		if r.err != nil {
			errs = append(errs, r.err)
		} else {
			byNode[r.node] = r.snapshot
		}
	}
	lost := len(f.names) > 0 && f.cluster.err != nil
	if len(errs) > 0 && len(byNode) == 0 {
		return nil, schema.Join(errs)
	}
	if !bestEffort && lost {
		errs = append(errs, unread(f.cluster.err))
	}
	if !bestEffort && len(errs) > 0 {
		return nil, schema.Join(errs)
	}
	names := slices.Sorted(maps.Keys(byNode))
	values := flatten(byNode)
	s := &schema.Snapshot{
		Kind: "Snapshot", APIVersion: schema.APIVersion,
		Metadata: schema.SnapshotMetadata{
			Timestamp: o.Now().UTC().Format(time.RFC3339), Version: o.Version, Source: sourceOf(names),
		},
	}
	same := map[key]schema.Scalar{}
	for k, perNode := range values {
		if v, ok := agreed(perNode, len(names)); ok {
			same[k] = v
		} else if !own(k) {
			s.Differences = append(s.Differences, difference(k.String(), perNode, names))
		}
	}
	maps.Copy(same, clusterValues(f.cluster.snapshot))
	if d, ok := taints(f.nodes, names); ok {
		s.Differences = append(s.Differences, d)
	}
	slices.SortFunc(s.Differences, func(a, b schema.Difference) int { return strings.Compare(a.Path, b.Path) })
	s.Measurements = measurements(same)
	s.Collectors = statuses(byNode, errs, f)
	tell(s.Differences, o)
	return s, nil
}

// headlines are the differences that people look for, and told how many others
// are said before the rest is left to the snapshot.
var headlines = []string{
	"GPU.smi.driver", "K8s.node.kernel-version", "K8s.node.container-runtime", "GPU.smi.gpu.model", "NodeTopology.taint",
}

const told = 10

// tell says what differs, one line each, the headlines first.
func tell(differences []schema.Difference, o Options) {
	rank := func(d schema.Difference) int {
		if i := slices.Index(headlines, d.Path); i >= 0 {
			return i
		}
		return len(headlines)
	}
	sorted := slices.Clone(differences)
	slices.SortStableFunc(sorted, func(a, b schema.Difference) int { return cmp.Compare(rank(a), rank(b)) })
	others := 0
	for _, d := range sorted {
		if rank(d) == len(headlines) {
			others++
		}
		if others <= told {
			o.Log("differs: %s", describe(d))
		}
	}
	if others > told {
		o.Log("differs: %d more; the snapshot has them all under differences", others-told)
	}
}

// key is a measured value's place.
type key struct {
	typ     schema.MeasurementType
	subtype string
	name    string
}

func (k key) String() string { return string(k.typ) + "." + k.subtype + "." + k.name }

// flatten returns the values of every node by place.
func flatten(byNode map[string]*schema.Snapshot) map[key]map[string]schema.Scalar {
	perNode := map[key]map[string]schema.Scalar{}
	for node, s := range byNode {
		each(s, func(k key, v schema.Scalar) {
			if perNode[k] == nil {
				perNode[k] = map[string]schema.Scalar{}
			}
			perNode[k][node] = v
		})
	}
	return perNode
}

// clusterValues are the values in s that concern the whole cluster, none if s is
// nil. The others are of the node that s was taken on.
func clusterValues(s *schema.Snapshot) map[key]schema.Scalar {
	out := map[key]schema.Scalar{}
	each(s, func(k key, v schema.Scalar) {
		if k.typ == "NodeTopology" || k.typ == "K8s" && k.subtype != "node" {
			out[k] = v
		}
	})
	return out
}

func each(s *schema.Snapshot, f func(key, schema.Scalar)) {
	if s == nil {
		return
	}
	for _, m := range s.Measurements {
		for _, sub := range m.Subtypes {
			for name, v := range sub.Data {
				f(key{m.Type, sub.Subtype, name}, v)
			}
		}
	}
}

// unread is the error of a fleet that answered while nobody could read what
// concerns the cluster.
func unread(err error) error {
	return schema.Errorf(schema.CodeOf(err), "reading what concerns the whole cluster: %w", err)
}

// agreed returns the one value that all n nodes have.
func agreed(perNode map[string]schema.Scalar, n int) (schema.Scalar, bool) {
	var first schema.Scalar
	for _, v := range perNode {
		if first == nil {
			first = v
		}
		if v != first {
			return nil, false
		}
	}
	return first, len(perNode) == n
}

// ownNames are the last parts of keys that tell one node, or one GPU, from all
// others: that they differ says nothing.
var ownNames = []string{
	"uuid", "serial", "pci-bus-id", "provider-id", "source-node",
	"/proc/sys/kernel/domainname",
}

func own(k key) bool {
	return drift.Volatile(k.String()) || slices.ContainsFunc(ownNames, func(n string) bool {
		return k.name == n || strings.HasSuffix(k.name, "."+n)
	})
}

// difference lists the values of one path, the most frequent first, each with
// its nodes.
func difference(path string, perNode map[string]schema.Scalar, names []string) schema.Difference {
	nodes := map[string][]string{}
	for _, n := range names {
		text := schema.AbsentValue
		if v, ok := perNode[n]; ok {
			text = constraint.Text(v)
		}
		nodes[text] = append(nodes[text], n)
	}
	d := schema.Difference{Path: path}
	for v, at := range nodes {
		d.Values = append(d.Values, schema.NodeValue{Value: v, Nodes: at})
	}
	slices.SortFunc(d.Values, func(a, b schema.NodeValue) int {
		return cmp.Or(-cmp.Compare(len(a.Nodes), len(b.Nodes)), strings.Compare(a.Value, b.Value))
	})
	return d
}

// taints is the difference of the nodes' taints, if there is one.
func taints(nodes []kube.GPUNode, names []string) (schema.Difference, bool) {
	perNode := map[string]schema.Scalar{}
	for _, n := range nodes {
		var list []string
		for _, t := range n.Taints {
			list = append(list, kube.TaintText(t))
		}
		slices.Sort(list)
		if len(list) > 0 {
			perNode[n.Name] = strings.Join(list, ", ")
		}
	}
	d := difference("NodeTopology.taint", perNode, names)
	return d, len(d.Values) > 1
}

func measurements(values map[key]schema.Scalar) []schema.Measurement {
	bySub := map[schema.MeasurementType]map[string]map[string]schema.Scalar{}
	for k, v := range values {
		if bySub[k.typ] == nil {
			bySub[k.typ] = map[string]map[string]schema.Scalar{}
		}
		if bySub[k.typ][k.subtype] == nil {
			bySub[k.typ][k.subtype] = map[string]schema.Scalar{}
		}
		bySub[k.typ][k.subtype][k.name] = v
	}
	out := []schema.Measurement{}
	for _, t := range slices.Sorted(maps.Keys(bySub)) {
		m := schema.Measurement{Type: t}
		for _, name := range slices.Sorted(maps.Keys(bySub[t])) {
			m.Subtypes = append(m.Subtypes, schema.Subtype{Subtype: name, Data: bySub[t][name]})
		}
		out = append(out, m)
	}
	return out
}

// statuses merges what became of each collector: the worst of all nodes, with
// the nodes of every reason. The nodes without a snapshot are collector agent.
// What concerns the cluster has no node; nobody having read it is a failure of
// each collector that should have.
func statuses(byNode map[string]*schema.Snapshot, errs []error, f fleet) []schema.CollectorStatus {
	rank := map[string]int{"ok": 0, "absent": 1, "failed": 2}
	merged := map[string]schema.CollectorStatus{}
	reasons := map[string]map[string][]string{}
	for _, node := range slices.Sorted(maps.Keys(byNode)) {
		for _, c := range byNode[node].Collectors {
			m, ok := merged[c.Name]
			if !ok || rank[c.Status] > rank[m.Status] {
				m.Name, m.Status = c.Name, c.Status
			}
			merged[c.Name] = m
			if c.Reason != "" {
				if reasons[c.Name] == nil {
					reasons[c.Name] = map[string][]string{}
				}
				reasons[c.Name][c.Reason] = append(reasons[c.Name][c.Reason], node)
			}
		}
	}
	everywhere := map[string]string{} // reasons that are of no node
	for _, c := range f.statuses() {
		m, ok := merged[c.Name]
		if !ok || rank[c.Status] > rank[m.Status] {
			m.Name, m.Status = c.Name, c.Status
		}
		merged[c.Name], everywhere[c.Name] = m, c.Reason
	}
	if len(errs) > 0 {
		var texts []string
		for _, e := range errs {
			texts = append(texts, e.Error())
		}
		merged["agent"] = schema.CollectorStatus{Name: "agent", Status: "failed", Reason: strings.Join(texts, "; ")}
	}
	var out []schema.CollectorStatus
	for _, name := range slices.Sorted(maps.Keys(merged)) {
		m := merged[name]
		var texts []string
		for _, why := range slices.Sorted(maps.Keys(reasons[name])) {
			at := reasons[name][why]
			if len(at) < len(byNode) {
				why += " (" + some(at) + ")"
			}
			texts = append(texts, why)
		}
		if why := everywhere[name]; why != "" && reasons[name][why] == nil {
			texts = append(texts, why)
		}
		if len(texts) > 0 {
			m.Reason = strings.Join(texts, "; ")
		}
		out = append(out, m)
	}
	return out
}

// statuses are those of the collectors that read the cluster.
func (f fleet) statuses() []schema.CollectorStatus {
	if f.cluster.snapshot != nil {
		return f.cluster.snapshot.Collectors
	}
	var out []schema.CollectorStatus
	for _, name := range f.names {
		out = append(out, schema.CollectorStatus{Name: string(name), Status: "failed", Reason: unread(f.cluster.err).Error()})
	}
	return out
}

// describe is a difference on one line.
func describe(d schema.Difference) string {
	var parts []string
	for _, v := range d.Values {
		parts = append(parts, fmt.Sprintf("%s on %s", v.Value, some(v.Nodes)))
	}
	return d.Path + ": " + strings.Join(parts, "; ")
}

// some names nodes, or counts them when they are many.
func some(nodes []string) string {
	if len(nodes) > 4 {
		return fmt.Sprintf("%d nodes, %s among them", len(nodes), nodes[0])
	}
	return strings.Join(nodes, ", ")
}

func sourceOf(names []string) string {
	if len(names) > 8 {
		return fmt.Sprintf("%d nodes", len(names))
	}
	return strings.Join(names, ",")
}
