package check

import (
	"fmt"
	"strings"

	"github.com/NVIDIA/eidos/schema"
)

// sheetVersion is the Kubernetes release whose requirements the sheet has: those of
// CNCF's AI conformance programme, docs/AIConformance-1.37.yaml of
// https://github.com/cncf/k8s-ai-conformance.
const sheetVersion = "v1.37"

// requirement is a line of the sheet, and the checks that measure something of it.
type requirement struct {
	area, id, level string
	checks          []string
	// open is what the checks do not show even if all of them pass.
	open string
}

// requirements are in the order of the sheet.
var requirements = []requirement{
	{"accelerators", "driver_runtime_management", "SHOULD", []string{"gpu-operator-health", "operator-health", "gpu-driver-version", "check-nvidia-smi"}, "how drivers are kept up to date"},
	{"accelerators", "gpu_sharing", "SHOULD", nil, ""},
	{"accelerators", "virtualized_accelerator", "SHOULD", nil, ""},
	{"networking", "ai_inference", "MUST", []string{"inference-gateway"}, "that traffic is split by weight and routed by headers"},
	{"networking", "advanced_inference_ingress", "SHOULD", nil, ""},
	{"networking", "high_performance_networking", "SHOULD", []string{"dranet", "network-operator"}, "that a Pod gets a second interface"},
	{"networking", "disaggregated_inference", "SHOULD", nil, ""},
	{"schedulingOrchestration", "gang_scheduling", "MUST", []string{"gang-scheduling"}, ""},
	{"schedulingOrchestration", "cluster_autoscaling", "MUST", []string{"cluster-autoscaling"}, "that nodes are added for pending Pods and removed again"},
	{"schedulingOrchestration", "pod_autoscaling", "MUST", []string{"pod-autoscaling"}, "that Pods with accelerators are scaled by those metrics"},
	{"observability", "accelerator_metrics", "MUST", []string{"accelerator-metrics"}, ""},
	{"observability", "ai_service_metrics", "MUST", []string{"ai-service-metrics"}, ""},
	{"security", "secure_accelerator_access", "MUST", []string{"secure-accelerator-access", "dra-support"}, ""},
	{"security", "workload_sandboxing", "SHOULD", nil, ""},
	{"operator", "robust_controller", "MUST", []string{"robust-controller"}, ""},
}

// Sheet is the answers to CNCF's AI conformance questions, as far as evidence has
// them; who submits it fills in the rest.
type Sheet struct {
	Metadata map[string]string   `json:"metadata"`
	Spec     map[string][]Answer `json:"spec"`
}

// Answer is a line of the sheet.
type Answer struct {
	ID    string `json:"id"`
	Level string `json:"level"`
	// Status is Implemented, Partially Implemented, Not Implemented, or empty where
	// nothing was measured.
	Status   string   `json:"status"`
	Evidence []string `json:"evidence"`
	Notes    string   `json:"notes"`
}

// NewSheet answers what evidence shows. A requirement is implemented if all that
// measures it passed and nothing of it stays open; what was not measured has no
// status, with the reason.
func NewSheet(e *schema.Evidence) (*Sheet, error) {
	whole, err := digestOf(e)
	if err != nil {
		return nil, err
	}
	by := map[string]schema.Check{}
	for _, c := range e.Results {
		by[c.Name] = c
	}
	s := &Sheet{Metadata: map[string]string{"kubernetesVersion": sheetVersion}, Spec: map[string][]Answer{}}
	for _, q := range requirements {
		a := Answer{ID: q.id, Level: q.level, Evidence: []string{}}
		var notes []string
		count := map[string]int{}
		for _, name := range q.checks {
			c, ok := by[name]
			if !ok || c.Status == "skipped" {
				continue
			}
			count[c.Status]++
			note := fmt.Sprintf("%s: %s", c.Description, c.Status)
			if c.Reason != "" {
				note += ": " + c.Reason
			}
			notes = append(notes, note)
		}
		switch {
		case len(q.checks) == 0:
			notes = append(notes, "not covered: eidos has no check for it")
		case len(notes) == 0:
			notes = append(notes, "not covered: the recipe names none of "+strings.Join(q.checks, ", "))
		case count["failed"] > 0:
			a.Status = "Not Implemented"
		case count["unknown"] > 0:
			// Something could not be measured, and nothing is claimed.
		case q.open != "":
			a.Status = "Partially Implemented"
			notes = append(notes, "not covered: "+q.open)
		default:
			a.Status = "Implemented"
		}
		if len(count) > 0 {
			a.Evidence = append(a.Evidence, "evidence of eidos, "+string(whole))
		}
		a.Notes = strings.Join(notes, "; ")
		s.Spec[q.area] = append(s.Spec[q.area], a)
	}
	return s, nil
}
