package schema

import "strings"

// OffNode says why the host that s was taken on is not a node of the cluster in
// it, "" if it may be one: what was measured on such a host (Local) proves
// nothing about the nodes.
func (s *Snapshot) OffNode() string {
	for _, c := range s.Collectors {
		if c.Name != "k8s" {
			continue
		}
		for _, reason := range strings.Split(c.Reason, "; ") {
			if strings.Contains(reason, OffNodeReason) {
				return strings.TrimPrefix(reason, "node: ")
			}
		}
	}
	return ""
}

// AbsentValue is the value, in a difference, of nodes that have none.
const AbsentValue = "(absent)"

// OffNodeReason is in the reason of the collector k8s when the host that it ran
// on is not a node of the cluster.
const OffNodeReason = "is not a node of the cluster"

// Local reports whether measurements of type t are of the host that the
// snapshot was taken on, and not of the cluster.
func (t MeasurementType) Local() bool { return t == "OS" || t == "SystemD" || t == "GPU" }
