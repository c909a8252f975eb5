package jobs

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/NVIDIA/eidos/engine/plan"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/kube"
)

// Workflow is a plan for Argo Workflows, version 3.6 or newer: a Workflow whose
// Pods each run one step of it with `eidos step run`, and the ConfigMaps that
// it needs. See https://argo-workflows.readthedocs.io/en/latest/fields/.
type Workflow struct {
	Plan    *plan.Plan
	Text    []byte // of the plan, as Pods read it
	Pods    schema.Pods
	Image   string
	Store   string   // oci://…, as Pods reach it
	Args    []string // more for eidos step run
	Secrets map[string]SecretKey
}

// SecretKey is a key of a Secret in the workflow's namespace.
type SecretKey struct{ Name, Key string }

const (
	planDir   = "/run/eidos/plan"
	planFile  = "plan.json"
	planLimit = 900 << 10 // bytes; a ConfigMap takes 1 MiB
)

// Objects are the manifests, the Workflow last. Invalid names everything in the
// plan that no Pod could do.
func (w Workflow) Objects() ([]kube.Object, error) {
	if err := w.check(); err != nil {
		return nil, err
	}
	place, err := placement(w.Pods)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(w.Text)
	names := w.names()
	name := "eidos-" + dns(w.Plan.Name, 30) + "-" + hex.EncodeToString(sum[:6])
	plan := w.object("v1", "ConfigMap", name+"-plan")
	plan["immutable"], plan["data"] = true, map[string]any{planFile: string(w.Text)}
	out := []kube.Object{plan}
	if limits := w.limits(); len(limits) > 0 {
		c := w.object("v1", "ConfigMap", name+"-limits")
		c["data"] = limits
		out = append(out, c)
	}
	spec := place
	spec["entrypoint"], spec["securityContext"] = "pipeline", kube.PodSecurity()
	spec["volumes"] = w.volumes(name)
	if w.Pods.RuntimeClass != "" {
		spec["podSpecPatch"] = `{"runtimeClassName":` + strconv.Quote(w.Pods.RuntimeClass) + `}`
	}
	if t := w.Plan.Timeout; t > 0 {
		spec["activeDeadlineSeconds"] = int(t.Seconds())
	}
	templates := []any{w.dag("pipeline", names, false)}
	if late := w.dag("finally", names, true); late != nil {
		spec["onExit"] = "finally"
		templates = append(templates, late)
	}
	spec["templates"] = append(templates, w.templates(name)...)
	flow := w.object("argoproj.io/v1alpha1", "Workflow", "")
	flow["metadata"].(map[string]any)["generateName"] = "eidos-" + dns(w.Plan.Name, 30) + "-"
	delete(flow["metadata"].(map[string]any), "name")
	flow["spec"] = spec
	return append(out, flow), nil
}

func (w Workflow) object(version, kind, name string) kube.Object {
	meta := map[string]any{"name": name, "labels": labels(nil)}
	if w.Pods.Namespace != "" {
		meta["namespace"] = w.Pods.Namespace
	}
	return kube.Object{"apiVersion": version, "kind": kind, "metadata": meta}
}

// check names what the plan has and no Pod could do.
func (w Workflow) check() error {
	var errs []error
	no := func(at, hint, format string, args ...any) {
		errs = append(errs, schema.Errorf(schema.Invalid, format, args...).At("", at).WithHint("%s", hint))
	}
	if !strings.HasPrefix(w.Store, "oci://") {
		no("", "name one with --store oci://REGISTRY/REPOSITORY", "--store: %q is not a registry that Pods can reach", w.Store)
	}
	if len(w.Text) > planLimit {
		no("", "include parts of it by oci://…@sha256:…", "the plan has %d KiB, and a ConfigMap takes %d", len(w.Text)>>10, planLimit>>10)
	}
	secrets := w.Plan.Secrets
	known := map[string]bool{}
	for _, s := range secrets {
		known[s.File] = true
	}
	for _, s := range w.Plan.Steps() {
		at := "steps." + s.ID
		for _, f := range s.Files {
			known[f] = true
		}
		for _, in := range s.In {
			if in.URI != "" && !strings.Contains(in.URI, "://") {
				no(at+".in."+in.Port, "use cm://, oci:// or https://", "no Pod has %q", in.URI)
			}
		}
		if len(s.Files) > 0 {
			no(at+".files", "", "no Pod has %q", s.Files[0])
		}
		if len(s.Env) > 0 {
			no(at+".env", "make it a parameter", "no Pod has this environment's %s", s.Env[0])
		}
		for _, n := range s.Secrets {
			if _, ok := w.Secrets[n]; !ok && secrets[n].Kubernetes == "" {
				no(at+".secrets", "say where: --secret "+n+"=SECRET/KEY", "no Pod has the secret %q", n)
			}
		}
	}
	for _, f := range w.Plan.Reads() { // what parameters name: values, catalogues, keys
		if !known[f] {
			no("", "", "no Pod has %q", f)
		}
	}
	for _, n := range slices.Sorted(maps.Keys(w.Secrets)) {
		if secrets[n].Env == "" {
			no("", "give it env: NAME in the pipeline", "--secret %s: the pipeline has no secret of that name that is read from the environment", n)
		}
	}
	return schema.Join(errs)
}

// names gives every step a name that a task can have, each once, in the order of the plan.
func (w Workflow) names() map[string]string {
	out, taken := map[string]string{}, map[string]bool{}
	for _, s := range w.Plan.Steps() {
		name := dns(s.ID, 60)
		for n := 2; taken[name]; n++ {
			name = fmt.Sprintf("%s-%d", dns(s.ID, 56), n)
		}
		out[s.ID], taken[name] = name, true
	}
	return out
}

// dag is the template of one half of the plan, nil if that has no steps. Argo decides only
// when a Pod starts; whether its step runs, `eidos step run` decides, as a run here does.
func (w Workflow) dag(name string, names map[string]string, late bool) any {
	steps := w.Plan.Steps()
	byID := make(map[string]plan.NodeInfo, len(steps))
	for _, s := range steps {
		byID[s.ID] = s
	}
	var tasks []any
	for _, s := range steps {
		if s.Uses == "load" || s.Finally != late {
			continue
		}
		task := map[string]any{"name": names[s.ID], "template": template(s)}
		var wait []string
		for _, f := range append(slices.Clone(s.Needs), sources(s)...) {
			from := byID[f]
			if from.Uses == "load" || from.Finally != late || slices.Contains(wait, names[f]) {
				continue // each Pod loads for itself; finally begins when all has ended
			}
			wait = append(wait, names[f])
		}
		id := s.ID
		if s.Deferred {
			rows := names[s.ID] + "-rows"
			tasks = append(tasks, waitFor(map[string]any{"name": rows, "template": "rows", "arguments": arguments(s.ID)}, wait))
			task["withParam"], id = "{{tasks."+rows+".outputs.result}}", "{{item}}"
			wait = append(wait, rows)
		}
		task["arguments"] = arguments(id)
		tasks = append(tasks, waitFor(task, wait))
	}
	if tasks == nil {
		return nil
	}
	return map[string]any{"name": name, "dag": map[string]any{"tasks": tasks}}
}

func waitFor(task map[string]any, names []string) map[string]any {
	if len(names) > 0 {
		task["depends"] = strings.Join(names, " && ")
	}
	return task
}

func sources(s plan.NodeInfo) []string {
	var out []string
	for _, in := range s.In {
		out = append(out, in.From)
	}
	return out
}

func arguments(id string) map[string]any {
	return map[string]any{"parameters": []any{map[string]any{"name": "id", "value": id}}}
}
