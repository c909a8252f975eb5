package render

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/NVIDIA/eidos/schema"
)

// lines are the problems of err, each with its hint.
func lines(err error) []string {
	var out []string
	for _, e := range schema.List(err) {
		s := e.Error()
		var se *schema.Error
		if errors.As(e, &se) && se.Hint != "" {
			s += "\nhint: " + se.Hint
		}
		out = append(out, s)
	}
	return out
}

func TestMistakes(t *testing.T) {
	type params = schema.RenderParams
	tests := map[string]struct {
		params params
		want   []string
	}{
		"component": {params{Set: []string{"gpu-operatr:driver.version=1"}}, []string{
			"set[0]: \"gpu-operatr:driver.version=1\": no component \"gpu-operatr\" in the recipe\nhint: did you mean gpu-operator?"}},
		"component unlike any": {params{Set: []string{"xyz:a=1"}}, []string{
			"set[0]: \"xyz:a=1\": no component \"xyz\" in the recipe\nhint: its components are cert-manager, gpu-operator, monitoring, node-tuning and tuning-operator"}},
		"key": {params{Set: []string{"gpu-operator:driver.versoin=1"}}, []string{
			"set[0]: \"gpu-operator:driver.versoin=1\": chart gpu-operator v25.10.1 does not have the value \"driver.versoin\": setting it has no effect\nhint: did you mean driver.version? To set it all the same, write gpu-operator:+driver.versoin=…"}},
		"key at the root": {params{Set: []string{"gpu-operator:drivr.version=1"}}, []string{
			"set[0]: \"gpu-operator:drivr.version=1\": chart gpu-operator v25.10.1 does not have the value \"drivr.version\": setting it has no effect\nhint: did you mean driver.version? To set it all the same, write gpu-operator:+drivr.version=…"}},
		"no effect": {params{Set: []string{"gpu-operator:driver.useOpenKernelModules=true", "gpu-operator:driver.startupProbe.periodSeconds=soon", "tuning-operator:nothing.like=1"}, Values: []string{"values-dead.yaml"}}, []string{
			"set[0]: \"gpu-operator:driver.useOpenKernelModules=true\": chart gpu-operator v25.10.1 does not have the value \"driver.useOpenKernelModules\": setting it has no effect\nhint: did you mean driver.kernelModuleType? To set it all the same, write gpu-operator:+driver.useOpenKernelModules=…",
			"set[1]: \"gpu-operator:driver.startupProbe.periodSeconds=soon\": \"driver.startupProbe.periodSeconds\" of chart gpu-operator v25.10.1 is a whole number, not text",
			"set[2]: \"tuning-operator:nothing.like=1\": chart skyhook-operator v0.14.0 does not have the value \"nothing.like\": setting it has no effect\nhint: take it away. To set it all the same, write tuning-operator:+nothing.like=…",
			"chart gpu-operator v25.10.1 does not have the value \"driver.maxParallelUpgrades\": setting it has no effect (values-dead.yaml:2:33)\nhint: did you mean driver.upgradePolicy.maxParallelUpgrades?",
			"\"driver.startupProbe.timeoutSeconds\" of chart gpu-operator v25.10.1 is a whole number, not true or false (values-dead.yaml:2:67)"}},
		"version of the chart": {params{Set: []string{"gpu-operator:version=v1", "gpu-operator:+version=v1", "gpu-operator:namespace=x"}}, []string{
			"set[0]: \"gpu-operator:version=v1\": the version of the chart is not one of its values\nhint: the recipe says it, in componentRefs: change it there, or for all recipes in a directory of --data",
			"set[1]: \"gpu-operator:+version=v1\": the version of the chart is not one of its values\nhint: the recipe says it, in componentRefs: change it there, or for all recipes in a directory of --data",
			"set[2]: \"gpu-operator:namespace=x\": the namespace of the component is not one of its values\nhint: the recipe says it, in componentRefs: change it there, or for all recipes in a directory of --data"}},
		"left out": {params{Set: []string{"monitoring:+a.b=1", "monitoring:enabled=false"}, SetJSON: []string{"monitoring:+c={}"}, SetFile: []string{"monitoring:+d=recipe.yaml"}}, []string{
			"set[0]: \"monitoring:+a.b=1\": component \"monitoring\" is left out, so this has no effect\nhint: drop it, or monitoring:enabled=false",
			"setJSON[0]: \"monitoring:+c={}\": component \"monitoring\" is left out, so this has no effect\nhint: drop it, or monitoring:enabled=false",
			"setFile[0]: \"monitoring:+d=recipe.yaml\": component \"monitoring\" is left out, so this has no effect\nhint: drop it, or monitoring:enabled=false"}},
		"key of a scheduling path": {params{Set: []string{"gpu-operator:operator.nodeSelctor=1"}}, []string{
			"set[0]: \"gpu-operator:operator.nodeSelctor=1\": chart gpu-operator v25.10.1 does not have the value \"operator.nodeSelctor\": setting it has no effect\nhint: did you mean operator.nodeSelector? To set it all the same, write gpu-operator:+operator.nodeSelctor=…"}},
		"below a value": {params{Set: []string{"gpu-operator:driver.version.major=1"}}, []string{
			"set[0]: \"gpu-operator:driver.version.major=1\": chart gpu-operator v25.10.1 does not have the value \"driver.version.major\": setting it has no effect\nhint: did you mean driver.version? To set it all the same, write gpu-operator:+driver.version.major=…"}},
		"below a value, added": {params{Set: []string{"gpu-operator:+driver.version.major=1"}}, []string{
			"set[0]: \"gpu-operator:+driver.version.major=1\": \"driver.version\" is text and has no key \"major\""}},
		"path cut short": {params{Set: []string{"gpu-operator:driver=1"}}, []string{
			"set[0]: \"gpu-operator:driver=1\": \"driver\" is a mapping, the new value is a number\nhint: name one of its parts, or replace it whole with ‹setJSON›"}},
		"index": {params{Set: []string{"gpu-operator:toolkit.env[1].value=x"}}, []string{
			"set[0]: \"gpu-operator:toolkit.env[1].value=x\": \"toolkit.env\" has 1 element, no [1]"}},
		"index of a mapping": {params{Set: []string{"gpu-operator:toolkit[0]=x"}}, []string{
			"set[0]: \"gpu-operator:toolkit[0]=x\": \"toolkit\" is a mapping, not a list"}},
		"text for a switch": {params{Set: []string{"gpu-operator:driver.enabled=no"}}, []string{
			"set[0]: \"gpu-operator:driver.enabled=no\": \"driver.enabled\" is true or false in the recipe, the new value is \"no\""}},
		"switch": {params{Set: []string{"gpu-operator:enabled=flase"}}, []string{
			"set[0]: \"gpu-operator:enabled=flase\": enabled must be true or false"}},
		"needed by others": {params{Set: []string{"node-tuning:enabled=false", "certmanager:enabled=false"}}, []string{
			"cert-manager:enabled=false, but gpu-operator depends on it\nhint: leave that out as well, or keep cert-manager",
			"node-tuning:enabled=false, but gpu-operator depends on it\nhint: leave that out as well, or keep node-tuning"}},
		"JSON": {params{SetJSON: []string{"gpu-operator:driver={a}"}}, []string{
			"setJSON[0]: \"gpu-operator:driver={a}\": not JSON: invalid character 'a' looking for beginning of object key string"}},
		"file": {params{SetFile: []string{"gpu-operator:driver.version=nowhere.txt"}}, []string{
			"setFile[0]: \"gpu-operator:driver.version=nowhere.txt\": no file \"nowhere.txt\""}},
		"values": {params{Values: []string{"values-bad.yaml"}}, []string{
			"\"driver\" is a mapping in the recipe, here it is text (values-bad.yaml:2:11)",
			"no component \"monitorin\" in the recipe (values-bad.yaml:3:1)\nhint: did you mean monitoring?",
			"the values of \"cert-manager\" must be a mapping, not a list (values-bad.yaml:5:15)"}},
		"values that would change": {params{Values: []string{"values-lossy.yaml"}}, []string{
			"1.10 would be read as the number 1.1 (values-lossy.yaml:2:32)\nhint: put it in quotes if it is text, as \"1.10\"",
			"0640 would be read as the number 640 (values-lossy.yaml:3:19)\nhint: put it in quotes if it is text, as \"0640\"",
			"2.0 would be read as the number 2 (values-lossy.yaml:3:30)\nhint: put it in quotes if it is text, as \"2.0\""}},
		"many at once": {params{
			Deployer: "helmm", Repo: "x",
			Set:                  []string{"a", "b:", "c:d"},
			SystemNodeSelector:   []string{"x"},
			SystemNodeToleration: []string{"k=v:NoScedule", "k", "=v:NoSchedule"},
			WorkloadSelector:     []string{"a=1", "a=2"},
			WorkloadGate:         "a=b c:NoSchedule",
		}, []string{
			"deployer: no deployer \"helmm\"\nhint: did you mean helm?",
			"repo: helmm bundles are not deployed from a repository\nhint: leave it out, or use the deployer argocd or flux",
			"systemNodeSelector[0]: \"x\" has no =\nhint: write KEY=VALUE, as in nodeGroup=gpu-worker",
			"systemNodeToleration[0]: \"k=v:NoScedule\": no effect \"NoScedule\"\nhint: did you mean NoSchedule?",
			"systemNodeToleration[1]: \"k\" names no effect\nhint: write KEY=VALUE:EFFECT or KEY:EFFECT, as in nvidia.com/gpu=present:NoSchedule",
			"systemNodeToleration[2]: \"=v:NoSchedule\": \"\" is not a key that Kubernetes takes\nhint: letters, digits, - _ . up to 63, after an optional DNS prefix and /",
			"workloadSelector[1]: \"a=2\": \"a\" is \"1\" already",
			"workloadGate: \"a=b c:NoSchedule\": \"b c\" is not a value that Kubernetes takes\nhint: letters, digits, - _ . up to 63, starting and ending with a letter or digit",
			"set[0]: \"a\" has no =\nhint: write COMPONENT:PATH=VALUE, as in gpu-operator:driver.version=580.105.08",
			"set[1]: \"b:\" has no =\nhint: write COMPONENT:PATH=VALUE, as in gpu-operator:driver.version=580.105.08",
			"set[2]: \"c:d\" has no =\nhint: write COMPONENT:PATH=VALUE, as in gpu-operator:driver.version=580.105.08"}},
		"no repository": {params{Deployer: "argocd"}, []string{
			"repo: argocd needs the repository that the bundle is deployed from\nhint: add " + schema.Parameter("repo") + " https://… for Git, or oci://REGISTRY/REPOSITORY:TAG for a pushed bundle"}},
		"password in the repository": {params{Deployer: "argocd", Repo: "https://me:secret@git.example.com/x"}, []string{
			"repo: the repository's address holds a password, which would be written into the bundle\nhint: give the deployer its credentials in a Secret"}},
		"OCI without a tag": {params{Deployer: "argocd", Repo: "oci://registry.example.com/x"}, []string{
			"revision: \"oci://registry.example.com/x\" names no tag or digest\nhint: write oci://REGISTRY/REPOSITORY:TAG, or add ‹revision›"}},
		"two tags": {params{Deployer: "argocd", Repo: "oci://registry.example.com:5000/x:v1", Revision: "v2"}, []string{
			"revision: \"v2\" is not the revision that repo names, \"v1\""}},
		"directory outside": {params{Deployer: "argocd", Repo: "https://git.example.com/x", RepoPath: "a/../../b"}, []string{
			"repoPath: \"a/../../b\" is not a directory inside a repository"}},
		"layout": {params{Deployer: "argocd", Repo: "https://git.example.com/x", Layout: "components"}, []string{
			"layout: argocd bundles have one layout only"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			tree, err := Render(fixture(t), test.params, fixtures())
			if tree != nil {
				t.Error("made a bundle all the same")
			}
			if diff := cmp.Diff(test.want, lines(err)); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
			if c := schema.CodeOf(err); c != schema.Invalid && c != schema.NotFound {
				t.Errorf("code %q", c)
			}
		})
	}
}

func TestValues(t *testing.T) {
	type params = schema.RenderParams
	tests := map[string]struct {
		params params
		in     string // a component
		at     string // a path in its values
		want   any
	}{
		"catalogue":             {params{}, "gpu-operator", "driver.version", "580.105.08"},
		"text stays text":       {params{Set: []string{"gpu-operator:driver.version=1.10"}}, "gpu-operator", "driver.version", "1.10"},
		"integer":               {params{Set: []string{"gpu-operator:driver.version=110"}}, "gpu-operator", "driver.version", "110"},
		"leading zero":          {params{Set: []string{"gpu-operator:driver.version=0110"}}, "gpu-operator", "driver.version", "0110"},
		"too long for a number": {params{Set: []string{"gpu-operator:driver.version=99999999999999999999"}}, "gpu-operator", "driver.version", "99999999999999999999"},
		"minus zero":            {params{Set: []string{"gpu-operator:driver.version=-0"}}, "gpu-operator", "driver.version", "-0"},
		"True":                  {params{Set: []string{"gpu-operator:driver.version=True"}}, "gpu-operator", "driver.version", "True"},
		"false":                 {params{Set: []string{"gpu-operator:driver.enabled=false"}}, "gpu-operator", "driver.enabled", false},
		"null":                  {params{Set: []string{"gpu-operator:driver=null"}}, "gpu-operator", "driver", nil},
		"empty":                 {params{Set: []string{"gpu-operator:driver.version="}}, "gpu-operator", "driver.version", ""},
		"equal sign":            {params{Set: []string{"gpu-operator:driver.version=a=b"}}, "gpu-operator", "driver.version", "a=b"},
		"other name":            {params{Set: []string{"gpuoperator:driver.version=x"}}, "gpu-operator", "driver.version", "x"},
		"dot in a key":          {params{Set: []string{`gpu-operator:daemonsets.annotations.nvidia\.com/gpu\.deploy=no`}}, "gpu-operator", "daemonsets.annotations", map[string]any{"nvidia.com/gpu.deploy": "no"}},
		"list element":          {params{Set: []string{"gpu-operator:toolkit.env[0].value=false"}}, "gpu-operator", "toolkit.env[0].value", "false"},
		"new element":           {params{Set: []string{"gpu-operator:+toolkit.env[1].value=true"}}, "gpu-operator", "toolkit.env[1].value", "true"},
		"number as text":        {params{Values: []string{"values-number.yaml"}}, "gpu-operator", "driver.version", "580.10"},
		"list as text":          {params{Values: []string{"values-number.yaml"}}, "gpu-operator", "toolkit.env[0].value", "0640"},
		"number":                {params{Values: []string{"values-number.yaml"}}, "gpu-operator", "driver.startupProbe.failureThreshold", int64(12)},
		"text of the chart":     {params{Values: []string{"values-number.yaml"}}, "gpu-operator", "driver.repository", "1.10"},
		"known to the chart":    {params{Set: []string{"gpu-operator:driver.kernelModuleType=open"}}, "gpu-operator", "driver.kernelModuleType", "open"},
		"text to the chart":     {params{Set: []string{"gpu-operator:driver.repository=1"}}, "gpu-operator", "driver.repository", "1"},
		"free in the chart":     {params{Set: []string{"gpu-operator:driver.kernelModuleConfig.any=1"}}, "gpu-operator", "driver.kernelModuleConfig.any", int64(1)},
		"list grows":            {params{Set: []string{"gpu-operator:+toolkit.env[1].name=A"}}, "gpu-operator", "toolkit.env[1]", map[string]any{"name": "A"}},
		"empty mapping":         {params{Set: []string{"gpu-operator:daemonsets.labels.team=a"}}, "gpu-operator", "daemonsets.labels", map[string]any{"team": "a"}},
		"new key":               {params{Set: []string{"gpu-operator:+a.b[0].c=1"}}, "gpu-operator", "a", map[string]any{"b": []any{map[string]any{"c": int64(1)}}}},
		"scheduling path":       {params{Set: []string{"gpu-operator:operator.nodeSelector.a=b"}}, "gpu-operator", "operator", map[string]any{"nodeSelector": map[string]any{"a": "b"}}},
		"JSON":                  {params{SetJSON: []string{`gpu-operator:toolkit.env=[{"name":"B","value":1.5}]`}}, "gpu-operator", "toolkit.env", []any{map[string]any{"name": "B", "value": 1.5}}},
		"JSON integer":          {params{SetJSON: []string{`gpu-operator:driver.version=9007199254740993`}}, "gpu-operator", "driver.version", "9007199254740993"},
		"file":                  {params{SetFile: []string{"gpu-operator:driver.version=text.txt"}}, "gpu-operator", "driver.version", "two\nlines\n"},
		"values file":           {params{Values: []string{"values.yaml"}}, "gpu-operator", "driver", map[string]any{"enabled": true, "version": "from-file", "rdma": map[string]any{"enabled": true}, "kernelModuleType": "open"}},
		"later file":            {params{Values: []string{"values.yaml", "values2.yaml"}}, "gpu-operator", "driver.version", "from-file-2"},
		"set over file":         {params{Values: []string{"values.yaml"}, Set: []string{"gpu-operator:driver.version=set"}}, "gpu-operator", "driver.version", "set"},
		"JSON over set": {params{Set: []string{"gpu-operator:driver.version=set"}, SetJSON: []string{`gpu-operator:driver.version="json"`}},
			"gpu-operator", "driver.version", "json"},
		"file over JSON": {params{SetFile: []string{"gpu-operator:driver.version=text.txt"}, SetJSON: []string{`gpu-operator:driver.version="json"`}},
			"gpu-operator", "driver.version", "two\nlines\n"},
		"scheduling over all": {params{SetJSON: []string{`gpu-operator:+operator.nodeSelector={"a":"b"}`}, SystemNodeSelector: []string{"c=d"}},
			"gpu-operator", "operator.nodeSelector", map[string]any{"c": "d"}},
		"both groups": {params{SystemNodeToleration: []string{"a:NoExecute", "b=:NoSchedule"}, AcceleratedNodeToleration: []string{"a:NoExecute"}},
			"gpu-operator", "shared.tolerations", []any{
				map[string]any{"key": "a", "operator": "Exists", "effect": "NoExecute"},
				map[string]any{"key": "b", "operator": "Equal", "value": "", "effect": "NoSchedule"}}},
		"taint as text": {params{AcceleratedNodeToleration: []string{"a=b:NoSchedule"}}, "tuning-operator", "controllerManager.manager.env.runtimeRequiredTaint", "a=b:NoSchedule"},
		"nodes":         {params{Nodes: 4}, "tuning-operator", "estimatedNodeCount", int64(4)},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			tree := mustRender(t, test.params)
			doc, err := schema.Parse("values.yaml", tree.Data("values.yaml"))
			if err != nil {
				t.Fatal(err)
			}
			p, err := parsePath(test.at)
			if err != nil {
				t.Fatal(err)
			}
			keys := []string{test.in}
			for _, e := range p {
				keys = append(keys, e.Key)
			}
			sub := doc.At(keys...)
			if sub == nil {
				t.Fatalf("no %s in\n%s", test.at, tree.Data("values.yaml"))
			}
			if diff := cmp.Diff(test.want, sub.Value()); diff != "" {
				t.Errorf("%s (-want +got):\n%s", test.at, diff)
			}
		})
	}
}

// Without scheduling parameters nothing about nodes is in the bundle.
func TestNothingInvented(t *testing.T) {
	tree := mustRender(t, schema.RenderParams{})
	for _, word := range []string{"tolerations", "NoSchedule", "estimatedNodeCount", "workloadSelector", "runtimeRequiredTaint"} {
		if strings.Contains(string(tree.Data("values.yaml")), word) {
			t.Errorf("values.yaml has %q, which nobody asked for", word)
		}
	}
}

func TestNotes(t *testing.T) {
	tests := map[string]struct {
		params schema.RenderParams
		want   []string
	}{
		"nothing given": {schema.RenderParams{}, []string{
			"node-tuning: Tuning may evict running training jobs. (--workload-selector is not given)",
			"node-tuning: Without a selector the tuning runs on all nodes. (--accelerated-node-selector is not given)"}},
		"all given":          {schema.RenderParams{AcceleratedNodeSelector: []string{"a=b"}, WorkloadSelector: []string{"a=b"}}, nil},
		"component left out": {schema.RenderParams{Set: []string{"node-tuning:enabled=false", "gpu-operator:enabled=false"}}, nil},
		"nobody takes it": {schema.RenderParams{AcceleratedNodeSelector: []string{"a=b"}, WorkloadSelector: []string{"a=b"}, WorkloadGate: "a=b:NoSchedule"}, []string{
			"--workload-gate is given, but no component of this recipe takes it"}},
		"address in another namespace": {schema.RenderParams{AcceleratedNodeSelector: []string{"a=b"}, WorkloadSelector: []string{"a=b"}, Set: []string{"gpu-operator:+metrics.url=http://prom.monitoring.svc:9090", "gpu-operator:+other=a.elsewhere.svc"}}, []string{
			"gpu-operator: looks for the service prom, which may have another name in one release, where no fullnameOverride sets it; use --layout components"}},
		"address with a fixed name": {schema.RenderParams{AcceleratedNodeSelector: []string{"a=b"}, WorkloadSelector: []string{"a=b"}, Set: []string{"gpu-operator:+metrics.url=http://prom-server.monitoring.svc:9090", "monitoring:+fullnameOverride=prom"}}, nil},
		"address, own namespaces":   {schema.RenderParams{Layout: "components", AcceleratedNodeSelector: []string{"a=b"}, WorkloadSelector: []string{"a=b"}, Set: []string{"gpu-operator:+metrics.url=http://prom.monitoring.svc:9090"}}, nil},
		"one place, two tolerations": {schema.RenderParams{AcceleratedNodeSelector: []string{"a=b"}, WorkloadSelector: []string{"a=b"}, AcceleratedNodeToleration: []string{"a:NoSchedule", "b:NoSchedule"}}, []string{
			"tuning-operator: takes one toleration only at controllerManager.manager.env.runtimeRequiredTaint: a:NoSchedule"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := mustRender(t, test.params).Metadata.Notes
			// Of the release's namespace, see TestOneRelease.
			got = slices.DeleteFunc(got, func(n string) bool {
				return strings.Contains(n, "in one release it") || strings.Contains(n, "for such Pods")
			})
			if len(got) == 0 {
				got = nil
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("notes (-want +got):\n%s", diff)
			}
		})
	}
}

// Components of one release find each other in its namespace, also where they are
// named in a list, and what is for all Pods of a namespace is pointed out.
func TestOneRelease(t *testing.T) {
	p := schema.RenderParams{
		Set:     []string{"gpu-operator:+metrics.url=http://prom.monitoring.svc.cluster.local:9090", "gpu-operator:+other=a.elsewhere.svc"},
		SetJSON: []string{`gpu-operator:+urls=["x.cert-manager.svc", 1]`},
	}
	tree := mustRender(t, p)
	text := string(tree.Data("values.yaml"))
	for _, want := range []string{"url: http://prom.eidos.svc.cluster.local:9090\n", "other: a.elsewhere.svc\n", "- x.eidos.svc\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	for _, want := range []string{
		"tuning-operator: its LimitRange is left out, for in one release it would be for the Pods of all components; --layout components keeps it",
		"gpu-operator: has a ResourceQuota, which in one release is for such Pods of all components; use --layout components",
	} {
		if !slices.Contains(tree.Metadata.Notes, want) || !strings.Contains(string(tree.Data("README.md")), want) {
			t.Errorf("no %q in %q and README.md", want, tree.Metadata.Notes)
		}
	}
	if !strings.Contains(string(tree.Data("deploy.sh")), `sed "s/\.eidos\.svc/.$namespace.svc/g" values.yaml`) {
		t.Error("deploy.sh does not take NAMESPACE into the values")
	}
	p.Layout = "components"
	if tree := mustRender(t, p); !strings.Contains(string(tree.Data("components/gpu-operator/values.yaml")), "prom.monitoring.svc") || strings.Contains(strings.Join(tree.Metadata.Notes, ""), "one release") {
		t.Errorf("components of their own namespaces: notes %q", tree.Metadata.Notes)
	}
}

func TestLeftOut(t *testing.T) {
	for _, p := range []schema.RenderParams{
		{Set: []string{"gpu-operator:enabled=false"}},
		{Values: []string{"values-off.yaml"}},
	} {
		for _, d := range []schema.RenderParams{{}, {Layout: "components"}, {Deployer: "argocd", Repo: "https://git.example.com/x"}} {
			d.Set, d.Values = p.Set, p.Values
			tree := mustRender(t, d)
			for _, f := range tree.Paths() {
				if f != "recipe.yaml" && strings.Contains(string(tree.Data(f))+f, "gpu-operator") {
					t.Errorf("%s %s: %s still has the component that was left out", d.Deployer, d.Layout, f)
				}
			}
		}
	}
}
