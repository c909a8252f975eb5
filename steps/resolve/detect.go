package resolve

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/constraint"
)

// Detect reads criteria from a snapshot, each with the measurement that shows
// it. The notes say what could not be told, and why.
func Detect(s *schema.Snapshot) (found []schema.Detection, notes []string) {
	for _, d := range []struct {
		field string
		read  func(facts) []schema.Detection
	}{
		{"service", service}, {"accelerator", accelerator}, {"os", system},
	} {
		all := d.read(facts(flatten(s)))
		values := map[string]schema.Detection{}
		for _, x := range all {
			if _, ok := values[x.Value]; !ok {
				x.Field = d.field
				values[x.Value] = x
			}
		}
		switch len(values) {
		case 0:
			if d.field == "accelerator" {
				notes = append(notes, unknownGPU(flatten(s))...)
			}
		case 1:
			found = append(found, values[all[0].Value])
		default:
			var texts []string
			for _, x := range values {
				texts = append(texts, x.Value+" ("+x.Evidence+")")
			}
			sort.Strings(texts)
			notes = append(notes, fmt.Sprintf("the snapshot shows more than one %s, left open: %s", d.field, strings.Join(texts, ", ")))
		}
	}
	return found, notes
}

// fact is one measurement.
type fact struct {
	subtype, key, value string
	typ                 schema.MeasurementType
}

func (f fact) evidence() string {
	return fmt.Sprintf("%s.%s.%s = %s", f.typ, f.subtype, f.key, f.value)
}

// facts are all measurements, sorted.
type facts []fact

func flatten(s *schema.Snapshot) []fact {
	var out []fact
	for _, m := range s.Measurements {
		for _, sub := range m.Subtypes {
			for k, v := range sub.Data {
				out = append(out, fact{sub.Subtype, k, constraint.Text(v), m.Type})
			}
		}
	}
	sort.Slice(out, func(i, j int) bool {
		a, b := out[i], out[j]
		return slices.Compare([]string{string(a.typ), a.subtype, a.key}, []string{string(b.typ), b.subtype, b.key}) < 0
	})
	return out
}

func (fs facts) get(typ schema.MeasurementType, subtype, key string) (fact, bool) {
	for _, f := range fs {
		if f.typ == typ && f.subtype == subtype && f.key == key {
			return f, true
		}
	}
	return fact{}, false
}

// service reads the provider from the version's suffix; a version without one
// leaves it to the node's provider id. EKS and GKE always have the suffix, so
// a version that lacks it on their machines is somebody's own Kubernetes.
func service(fs facts) []schema.Detection {
	version, measured := fs.get("K8s", "server", "version")
	for suffix, name := range map[string]string{"-eks-": "eks", "-gke.": "gke"} {
		if measured && strings.Contains(version.value, suffix) {
			return []schema.Detection{{Value: name, Evidence: version.evidence()}}
		}
	}
	id, ok := fs.get("K8s", "node", "provider-id")
	if !ok {
		return nil
	}
	for prefix, name := range map[string]string{
		"aws://": "eks", "gce://": "gke", "azure://": "aks", "oci://": "oke", "ocid1.instance.": "oke", "kind://": "kind",
	} {
		if strings.HasPrefix(id.value, prefix) && (!measured || (name != "eks" && name != "gke")) {
			return []schema.Detection{{Value: name, Evidence: id.evidence()}}
		}
	}
	return nil
}

// accelerator reads the GPU model: what NVML says of each GPU, else its
// summary, else the labels that GPU feature discovery puts on nodes.
func accelerator(fs facts) []schema.Detection {
	for _, is := range []func(fact) bool{
		func(f fact) bool {
			return f.typ == "GPU" && f.subtype != "smi" && (f.key == "model" || strings.HasSuffix(f.key, ".model"))
		},
		func(f fact) bool { return f.typ == "GPU" && f.subtype == "smi" && f.key == "gpu.model" },
		func(f fact) bool {
			return f.typ == "NodeTopology" && f.subtype == "label" && strings.HasPrefix(f.key, "nvidia.com/gpu.product")
		},
	} {
		var out []schema.Detection
		for _, f := range fs {
			if !is(f) {
				continue
			}
			// A label's key holds its value; the value names the nodes.
			text := f.value
			if f.typ == "NodeTopology" {
				text = f.key
			}
			for _, name := range models(text) {
				out = append(out, schema.Detection{Value: name, Evidence: f.evidence()})
			}
		}
		if out != nil {
			return out
		}
	}
	return nil
}

// unknownGPU says that there is a GPU which no recipe knows.
func unknownGPU(fs facts) []string {
	for _, f := range fs {
		if f.typ == "GPU" && (f.key == "model" || strings.HasSuffix(f.key, ".model")) && f.value != "" {
			return []string{fmt.Sprintf("the snapshot shows a GPU that the catalogue does not know, left open: %s", f.evidence())}
		}
	}
	return nil
}

// models finds the accelerators that a text names, as whole words: L40S is
// not an L40.
func models(text string) []string {
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9')
	})
	var out []string
	for _, name := range schema.Enum("Accelerator") {
		if name != schema.Any && slices.Contains(words, name) {
			out = append(out, name)
		}
	}
	return out
}

// system reads the distribution from os-release.
func system(fs facts) []schema.Detection {
	id, ok := fs.get("OS", "release", "ID")
	if !ok {
		return nil
	}
	name, ok := map[string]string{"ubuntu": "ubuntu", "rhel": "rhel", "cos": "cos", "amzn": "amazonlinux"}[id.value]
	if !ok {
		return nil
	}
	return []schema.Detection{{Value: name, Evidence: id.evidence()}}
}
