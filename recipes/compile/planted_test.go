package compile

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"
)

// TestPlantedMistakes runs the stock cue tool, as a contributor's CI does, on
// the good tree with one mistake in it: it must refuse, and say what to do.
func TestPlantedMistakes(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and runs the cue tool")
	}
	cue := stockCue(t)
	const overlays, components = "recipes/releases/2026-03/overlays/", "recipes/releases/2026-03/components/"
	eks := overlays + "eks.cue"
	operator := func(values string) string { return "components: \"gpu-operator\": values: " + values + "\n\tcriteria:" }
	choice := func(says, def string) string {
		return "profiles: p: {description: \"d\", default: \"" + def + "\", choices: a: {description: \"a\", " + says + "}}\n\tcriteria:"
	}
	type edit struct{ file, old, new string }
	for name, tt := range map[string]struct {
		edits []edit
		want  string // in the output
	}{
		"unknown component":            {[]edit{{eks, `"aws-efa": {}`, `"aws-eft": {}`}}, "unknown component; components/*.cue has one file each"},
		"unknown component overridden": {[]edit{{eks, "criteria:", "override: components: \"gpu-operater\": version: \"v1.2.3\"\n\tcriteria:"}}, "unknown component; components/*.cue"},
		"unknown base":                 {[]edit{{overlays + "eks-training.cue", `"eks"`, `"eksx"`}}, "overlay eks-training: unknown base eksx; overlays/*.cue"},
		"missing base":                 {[]edit{{overlays + "eks-training.cue", `base:        "eks"`, ``}}, `overlay eks-training has no base; write base: "base"`},
		"inheritance cycle":            {[]edit{{eks, `base:        "base"`, `base: "gb200-eks-training"`}}, "overlay eks-training: inheritance is cyclic"},
		"its own base":                 {[]edit{{eks, `base:        "base"`, `base: "eks"`}}, "inheritance is cyclic"},
		"unknown criteria value":       {[]edit{{eks, `service: "eks"`, `service: "ekz"`}}, "unknown service; words/service.cue has them"},
		"unknown accelerator":          {[]edit{{overlays + "a100.cue", `accelerator: "a100"`, `accelerator: "a1000"`}}, "unknown accelerator"},
		"any as a criteria value":      {[]edit{{overlays + "a100.cue", `accelerator: "a100"`, `accelerator: "any"`}}, "unknown accelerator"},
		"unknown criteria key":         {[]edit{{eks, "criteria: service", "criteria: servce"}}, "servce: field not allowed"},
		"unknown overlay key":          {[]edit{{eks, "constraints:", "constraint:"}}, "constraint: field not allowed"},
		"unknown override key":         {[]edit{{eks, "criteria:", "override: component: \"gpu-operator\": version: \"v1.2.3\"\n\tcriteria:"}}, "component: field not allowed"},
		"unknown patch key":            {[]edit{{eks, `"aws-efa": {}`, `"aws-efa": chart: "x"`}}, "chart: field not allowed"},
		"operator the wrong way round": {[]edit{{eks, `">= 1.28"`, `"=> 1.28"`}}, `malformed expression; write ">= 1.32.4"`},
		"operator without a value":     {[]edit{{eks, `">= 1.28"`, `">="`}}, "malformed expression"},
		"order of words":               {[]edit{{eks, `">= 1.28"`, `">= new"`}}, "malformed expression"},
		"constraint path":              {[]edit{{eks, `"K8s.server.version"`, `"Kubernetes.server.version"`}}, "a constraint's path is Type.Subtype.Key"},
		"short constraint path":        {[]edit{{eks, `"K8s.server.version"`, `"K8s.server"`}}, "a constraint's path is Type.Subtype.Key"},
		"version of a patch":           {[]edit{{eks, `"aws-efa": {}`, `"aws-efa": version: "latest"`}}, "a version is numbers between dots"},
		"version of a component":       {[]edit{{components + "aws-efa.cue", `*"v0.5.3"`, `*"newest"`}}, "component aws-efa: the version is not numbers between dots"},
		"no version":                   {[]edit{{components + "aws-efa.cue", `version:    *"v0.5.3" | string`, ``}}, "component aws-efa: the version is not numbers"},
		"repository":                   {[]edit{{components + "aws-efa.cue", `"https://aws`, `"http://aws`}}, "component aws-efa: the repository is not https://"},
		"namespace":                    {[]edit{{components + "aws-efa.cue", `"kube-system"`, `"Kube_System"`}}, "component aws-efa: the namespace is not a name"},
		"component name":               {[]edit{{components + "aws-efa.cue", `"aws-efa": {`, `"AWS_EFA": {`}}, "a name is lower-case letters"},
		"verdict of an upgrade":        {[]edit{{components + "aws-efa.cue", `namespace:`, "upgrades: [{from: \"< 1.0\", to: \"1.0\", verdict: \"maybe\", what: \"x\"}]\n\tnamespace:"}}, "a verdict is safe, manual or blocked"},
		"scheduling path":              {[]edit{{components + "aws-efa.cue", `["nodeSelector"]`, `["node Selector"]`}}, "a path into the values is keys with dots between"},
		"scheduling key":               {[]edit{{components + "aws-efa.cue", `nodeSelector: [`, `nodeSelectors: [`}}, "nodeSelectors: field not allowed"},
		"two pins": {[]edit{{overlays + "eks-training.cue", "criteria:", operator(`driver: version: "1"`)},
			{overlays + "gb200-eks-training.cue", "criteria:", operator(`driver: version: "2"`)}}, `driver.version: conflicting values "2" and "1"`},
		"what is fixed":         {[]edit{{eks, `"aws-efa": {}`, `"aws-efa": values: fullnameOverride: "efa"`}}, `fullnameOverride: conflicting values "efa" and "aws-efa-k8s-device-plugin"`},
		"text for a truth":      {[]edit{{overlays + "eks-training.cue", "criteria:", operator(`driver: enabled: "yes"`)}}, "driver.enabled: write true or false"},
		"text for a number":     {[]edit{{overlays + "eks-training.cue", "criteria:", operator(`driver: upgradePolicy: maxParallelUpgrades: "5"`)}}, "maxParallelUpgrades: write a whole number"},
		"not an amount of CPU":  {[]edit{{overlays + "eks-training.cue", "criteria:", operator(`operator: resources: limits: cpu: "2 cores"`)}}, "limits.cpu: CPU is cores or thousandths"},
		"not a size":            {[]edit{{overlays + "eks-training.cue", "criteria:", operator(`operator: resources: limits: memory: "lots"`)}}, "limits.memory: memory is a number of bytes with a unit"},
		"environment":           {[]edit{{overlays + "eks-training.cue", "criteria:", operator(`toolkit: env: ["A=b"]`)}}, "toolkit.env: environment is a list of {name, value}"},
		"two defaults":          {[]edit{{eks, `"aws-efa": {}`, `"aws-efa": version: *"v0.5.4" | string`}}, "some instances are incomplete"},
		"unknown check":         {[]edit{{eks, `"dra-support":`, `"dra-suport":`}}, "unknown check; checks/*.cue define them"},
		"threshold of a check":  {[]edit{{overlays + "h100-eks-ubuntu-training.cue", `">= 300"`, `"about 300"`}}, "malformed expression"},
		"phase of a check":      {[]edit{{"recipes/checks/nccl-all-reduce-bw.cue", `phase:       "performance"`, `phase: "perf"`}}, "a phase is deployment, performance or conformance"},
		"dependency":            {[]edit{{components + "gpu-operator.cue", `{"cert-manager": true`, `{"cert-manger": true`}}, "unknown component"},
		"dependency in overlay": {[]edit{{overlays + "gb200-eks-training.cue", `"skyhook-customizations": true`, `"skyhook-customisations": true`}}, "unknown component"},
		"maturity":              {[]edit{{overlays + "oke.cue", `"experimental"`, `"beta"`}}, "maturity is stable or experimental"},
		"name of a manifest":    {[]edit{{components + "gpu-operator.cue", `"dcgm-exporter.yaml"`, `"../dcgm.yaml"`}}, "a manifest is named FILE.yaml, without folders"},
		"option of a warning":   {[]edit{{components + "skyhook-customizations.cue", `"workload-selector": {`, `"workload-selectors": {`}}, "a warning is about an option of bundle"},
		"intent of a warning":   {[]edit{{components + "skyhook-customizations.cue", `["training"]`, `["learning"]`}}, "unknown intent"},
		"word":                  {[]edit{{"recipes/releases/2026-03/words/os.cue", "rocky: {", `"Rocky Linux": {`}}, "a word is lower-case letters"},
		"word without a name":   {[]edit{{"recipes/releases/2026-03/words/os.cue", `display: "Ubuntu"`, ""}}, "some instances are incomplete"},
		"evidence":              {[]edit{{"recipes/releases/2026-03/words/service.cue", `"K8s.node.provider-id": is: ["kind://*"]`, `"Kubernetes.node.provider-id": is: ["kind://*"]`}}, "a measurement is Type.subtype.key"},
		"choice of a component": {[]edit{{eks, "criteria:", choice(`components: "aws-eft": {}`, "a")}}, "unknown component"},
		"default of a profile":  {[]edit{{eks, "criteria:", choice("", "b")}}, "eks: profile p has no choice b, which is its default"},
		"what a choice cannot":  {[]edit{{eks, "criteria:", choice(`drop: "aws-efa": true`, "a")}}, "field not allowed"},
		"reference":             {[]edit{{components + "aws-efa.cue", `namespace:`, "refs: \"a.b\": \"kube-prom\"\n\tnamespace:"}}, "unknown component"},
		"version of the whole":  {[]edit{{"recipes/releases/2026-03/recipes.cue", `"0.1.0"`, `"next"`}}, "the catalogue's version is three numbers"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			tree, err := source(t).tree()
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range tt.edits {
				if !bytes.Contains(tree[e.file], []byte(e.old)) {
					t.Fatalf("%s does not hold %q", e.file, e.old)
				}
				tree[e.file] = bytes.Replace(tree[e.file], []byte(e.old), []byte(e.new), 1)
			}
			writeTree(t, dir, tree)
			cmd := exec.Command(cue, "vet", "./...")
			cmd.Dir = dir
			out, err := cmd.CombinedOutput()
			if err == nil {
				t.Fatal("accepted")
			}
			if !strings.Contains(string(out), tt.want) {
				t.Errorf("does not say %q:\n%s", tt.want, out)
			}
		})
	}
}

// stockCue is the cue tool of tools.mod, built if it is not yet.
func stockCue(t *testing.T) string {
	t.Helper()
	cmd := exec.Command("go", "tool", "-modfile=tools.mod", "-n", "cue")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("building the cue tool: %v", err)
	}
	return strings.TrimSpace(string(out))
}
