package constraint

import (
	"slices"
	"sort"
	"strings"

	"github.com/NVIDIA/eidos/schema"
)

// measurements are what a snapshot can hold, Type.subtype → keys; no keys where
// any can be there: names of images, of modules, of units' properties.
func measurements() map[string][]string {
	return map[string][]string{
		"K8s.server": {"version", "platform", "goVersion"},
		"K8s.node": {"source-node", "provider", "provider-id", "container-runtime", "container-runtime-id", "container-runtime-name",
			"container-runtime-version", "kubelet-version", "kernel-version", "operating-system", "os-image", "architecture"},
		"K8s.image": nil, "K8s.policy": nil, "K8s.release": nil,
		"NodeTopology.summary": {"node-count", "ready-node-count", "gpu-node-count", "gpu-count", "taint-count", "label-count"},
		"NodeTopology.taint":   nil, "NodeTopology.label": nil, allNodes: nil, gpuNodes: nil,
		"GPU.smi": {"driver", "cuda-version", "gpu-count", "gpu.model", "gpu.product-architecture", "gpu.vbios-version", "gpu.persistence-mode",
			"gpu.addressing-mode", "gpu.display-active", "gpu.display-mode", "gpu.gsp-firmware-version"},
		"GPU.device": nil, "GPU.pci": nil,
		"OS.release": nil, "OS.kmod": nil, "OS.sysctl": nil, "OS.grub": nil,
	}
}

// Measured returns nil if a snapshot can hold p, else an Invalid error with the
// nearest path that it can hold.
func (p Path) Measured() error {
	if p.Type == "SystemD" {
		return nil // units of the host
	}
	all := measurements()
	sub, key, _ := strings.Cut(p.rest, ".")
	keys, ok := all[string(p.Type)+"."+sub]
	if !ok {
		var subs []string
		for name := range all {
			if s, ok := strings.CutPrefix(name, string(p.Type)+"."); ok {
				subs = append(subs, s)
			}
		}
		sort.Strings(subs)
		return schema.Errorf(schema.Invalid, "nothing measures %q: %s has no %q", p.String(), p.Type, sub).WithHint("%s", schema.Suggest(sub, subs))
	}
	if set := string(p.Type) + "." + sub; set == allNodes || set == gpuNodes {
		if _, ok := p.NodeSet(); !ok {
			return schema.Errorf(schema.Invalid, "nothing measures %q: of a set of nodes, labels and taints are known", p.String()).
				WithHint("write %s.label.KEY or %s.taint.KEY", set, set)
		}
	}
	if keys != nil && !slices.Contains(keys, key) {
		return schema.Errorf(schema.Invalid, "nothing measures %q: %s.%s has no %q", p.String(), p.Type, sub, key).WithHint("%s", schema.Suggest(key, keys))
	}
	return nil
}
