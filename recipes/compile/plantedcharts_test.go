package compile

import (
	"bytes"
	"strings"
	"testing"

	"github.com/NVIDIA/eidos/schema"
)

// TestPlantedChartMistakes plants one mistake each in the good catalogue that
// only the facts of charts show: vet refuses it with its file and line.
func TestPlantedChartMistakes(t *testing.T) {
	const overlays, components = "recipes/releases/2026-03/overlays/", "recipes/releases/2026-03/components/"
	eks := overlays + "eks.cue"
	in := func(component, rest string) string {
		return "components: \"" + component + "\": " + rest + "\n\tcriteria:"
	}
	for name, tt := range map[string]struct{ file, old, new, want string }{
		"dead key":               {eks, "criteria:", in("gpu-operator", "values: driver: useOpenKernelModules: true"), `"driver.useOpenKernelModules": setting it has no effect`},
		"misspelt key":           {eks, "criteria:", in("gpu-operator", "values: drivr: enabled: true"), `"drivr.enabled": setting it has no effect`},
		"misspelt inner key":     {eks, "criteria:", in("gpu-operator", "values: driver: repositry: \"x\""), `"driver.repositry": setting it has no effect`},
		"moved key":              {eks, "criteria:", in("gpu-operator", "values: driver: maxParallelUpgrades: 5"), `"driver.maxParallelUpgrades": setting it has no effect`},
		"key of a subchart":      {eks, "criteria:", in("gpu-operator", "values: \"node-feature-discovery\": worker: tolerationz: []"), `"node-feature-discovery.worker.tolerationz": setting it has no effect`},
		"unread key":             {eks, "criteria:", in("k8s-ephemeral-storage-metrics", "values: prometheus: release: \"x\""), "has no template that reads the value"},
		"no value at all":        {eks, "criteria:", in("kube-prometheus-stack", "values: grafna: enabled: true"), `"grafna.enabled": setting it has no effect`},
		"text for a number":      {eks, "criteria:", in("gpu-operator", "values: driver: startupProbe: periodSeconds: \"soon\""), "is a whole number, not text"},
		"text for a truth":       {eks, "criteria:", in("kube-prometheus-stack", "values: grafana: persistence: enabled: \"yes\""), "is true or false, not text"},
		"truth for a text":       {eks, "criteria:", in("gpu-operator", "values: driver: repository: true"), "is text, not true or false"},
		"list for a text":        {eks, "criteria:", in("gpu-operator", "values: driver: repository: []"), "is text, not a list"},
		"text for a list":        {eks, "criteria:", in("gpu-operator", "values: daemonsets: tolerations: \"all\""), "is a list, not text"},
		"text for a mapping":     {eks, "criteria:", in("gpu-operator", "values: daemonsets: labels: \"all\""), "is a mapping, not text"},
		"manifests' own key":     {overlays + "h100-eks-training.cue", "criteria:", in("skyhook-customizations", "values: acelerator: \"h100\""), "has no manifest that reads the value"},
		"dead selector path":     {components + "gpu-operator.cue", `"operator.nodeSelector",`, `"daemonsets.nodeSelector",`, `"daemonsets.nodeSelector": setting it has no effect`},
		"path of no Pod":         {components + "gpu-operator.cue", `"operator.nodeSelector",`, "\"operator.nodeSelector\",\n\"operator.resources\",", "arrives in no Pod"},
		"workload left out":      {components + "cert-manager.cue", `"cainjector.nodeSelector",`, ``, "follows no node selector of the flags"},
		"tolerations left out":   {components + "cert-manager.cue", `"cainjector.tolerations",`, ``, "does not follow the tolerations of the flags"},
		"selector of every node": {components + "kube-prometheus-stack.cue", `"kube-state-metrics.nodeSelector",`, "\"kube-state-metrics.nodeSelector\",\n\"prometheus-node-exporter.nodeSelector\",", "would leave the GPU nodes"},
		"tolerations replaced":   {components + "kube-prometheus-stack.cue", `"kube-state-metrics.tolerations",`, "\"kube-state-metrics.tolerations\",\n\"prometheus-node-exporter.tolerations\",", "tolerates every taint; those of the flags would take the place of that"},
		"required affinity":      {components + "nvidia-dra-driver-gpu.cue", `affinity: nodeAffinity: null`, ``, "contradicts --system-node-selector"},
		"field of a manifest":    {components + "skyhook-customizations/manifests/tuning.yaml", "runtimeRequired:", "runtimeRequird:", "Skyhook of skyhook-operator v0.14.0: spec.runtimeRequird: unknown field"},
		"field of its own kind":  {components + "kgateway/manifests/inference-gateway.yaml", "gatewayClassName:", "gatewayClasName:", "Gateway: spec.gatewayClasName: unknown field"},
		"floor of a chart":       {eks, `">= 1.28"`, `">= 1.28, < 1.30"`, "nothing can satisfy the constraints on K8s.server.version"},
		"Job left out":           {components + "kube-prometheus-stack.cue", `"prometheusOperator.admissionWebhooks.patch.nodeSelector",`, ``, "Job"},
		"rule broken by itself":  {components + "gpu-operator.cue", "\n\tnamespace:", "\n\trules: x: {severity: \"error\", reason: \"it cannot be\", when: [{value: \"gpu-operator:driver.enabled\", default: \"true\", is: \"true\"}]}\n\tnamespace:", "gpu-operator: it cannot be (the recipe of "},
		"rule of a dead value":   {components + "gpu-operator.cue", "\n\tnamespace:", "\n\trules: x: {severity: \"info\", reason: \"it cannot be\", when: [{value: \"gpu-operator:drivr.enabled\", is: \"true\"}]}\n\tnamespace:", `"drivr.enabled": setting it has no effect`},
		"rule without an end":    {components + "gpu-operator.cue", "\n\tnamespace:", "\n\trules: x: {severity: \"info\", reason: \"it cannot be\", when: [{value: \"gpu-operator:driver.enabled\"}]}\n\tnamespace:", "needs one of is, differs, has and missing"},
		"order of a definition":  {components + "network-operator.cue", `, "gpu-operator": true}`, `}`, "renders NodeFeatureRule nvidia-nics-rules"},
	} {
		t.Run(name, func(t *testing.T) {
			tree, err := source(t).tree()
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Contains(tree[tt.file], []byte(tt.old)) {
				t.Fatalf("%s does not hold %q", tt.file, tt.old)
			}
			f := bytes.Replace(tree[tt.file], []byte(tt.old), []byte(tt.new), 1)
			tree[tt.file] = f
			src := source(t)
			src.files[strings.TrimPrefix(tt.file, "recipes/releases/2026-03/")] = f // manifests are read from there
			l, err := loadTree(tree, src)
			if err == nil {
				_, err = l.vet()
			}
			for _, e := range schema.List(err) {
				if se, ok := e.(*schema.Error); ok && strings.Contains(se.Msg, tt.want) && (strings.Contains(se.Pos, ".cue:") || strings.HasPrefix(se.Pos, tt.file+":")) {
					return
				}
			}
			t.Errorf("does not say %q with file and line:\n%v", tt.want, err)
		})
	}
}
