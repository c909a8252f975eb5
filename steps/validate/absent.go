package validate

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/constraint"
)

// collector returns the one that measures a type, and what it needs.
func collector(t schema.MeasurementType) (name, needs string) {
	switch t {
	case "K8s":
		return "k8s", "with a kubeconfig for the cluster"
	case "NodeTopology":
		return "topology", "with a kubeconfig for the cluster"
	case "GPU":
		return "gpu", "on a node with the NVIDIA driver"
	case "SystemD":
		return "systemd", "on a node that runs systemd"
	}
	return "os", "on a node of the cluster"
}

// absent says why a snapshot has nothing at p, and what would help: the
// collector did not run, did not succeed, or found no such thing.
func absent(s *schema.Snapshot, p constraint.Path) (reason, hint string) {
	var subtypes []schema.Subtype
	for _, m := range s.Measurements {
		if m.Type == p.Type {
			subtypes = append(subtypes, m.Subtypes...)
		}
	}
	rest := strings.TrimPrefix(p.String(), string(p.Type)+".")
	var best *schema.Subtype
	var names []string
	for i := range subtypes {
		sub := &subtypes[i]
		names = append(names, sub.Subtype)
		if strings.HasPrefix(rest, sub.Subtype+".") && (best == nil || len(sub.Subtype) > len(best.Subtype)) {
			best = sub
		}
	}
	if best == nil {
		what := string(p.Type)
		word, _, _ := strings.Cut(rest, ".")
		if len(subtypes) > 0 {
			what += "." + word
		}
		name, needs := collector(p.Type)
		run := fmt.Sprintf("run eidos snapshot --collectors %s %s", name, needs)
		for _, c := range s.Collectors {
			switch {
			case c.Name != name:
			case c.Status == "failed":
				return fmt.Sprintf("the %s collector failed: %s", name, c.Reason), fmt.Sprintf("mend that and run eidos snapshot --collectors %s again", name)
			case c.Status == "absent":
				return fmt.Sprintf("the snapshot has no %s: %s", what, c.Reason), run
			}
		}
		reason = "the snapshot has no " + what
		if len(subtypes) == 0 {
			return reason, run
		}
		if n := schema.Nearest(word, names); n != "" {
			hint = fmt.Sprintf("did you mean %s.%s?", p.Type, n)
		}
		return reason, hint
	}
	key := strings.TrimPrefix(rest, best.Subtype+".")
	reason = fmt.Sprintf("%s.%s has no %q", p.Type, best.Subtype, key)
	if n := schema.Nearest(key, slices.Sorted(maps.Keys(best.Data))); n != "" {
		hint = fmt.Sprintf("did you mean %s.%s.%s?", p.Type, best.Subtype, n)
	}
	return reason, hint
}
