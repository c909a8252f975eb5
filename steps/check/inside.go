package check

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/imageref"
	"github.com/NVIDIA/eidos/steps/agent"
	"github.com/NVIDIA/eidos/steps/kube"
	"github.com/NVIDIA/eidos/steps/kube/job"
)

const (
	// agentLimit is how long the Job may take if no timeout is given.
	agentLimit = 30 * time.Minute
	// mostInput is what a ConfigMap holds, with room for what is around it.
	mostInput = 900 << 10
	inputDir  = "/input"
)

// inside is a run of checks by a Job in the cluster.
type inside struct {
	recipe    *schema.RecipeResult
	params    schema.VerifyClusterParams // without agent
	agent     schema.CheckAgent
	name      string // of what is in a namespace
	namespace string
	own       bool // the namespace is the run's
	image     string
	limit     time.Duration // of the checks
	around    time.Duration // before and after them
}

// InCluster checks a cluster from inside: a Job runs `eidos validate` there, under
// a ServiceAccount that may do what the chosen checks take and write the report.
// Whatever happens, also when ctx is cancelled, what was made is deleted, unless
// p.Agent.NoCleanup. All of it hangs on the run's namespace, and goes with it, also
// if this process is killed; see collect.
func InCluster(ctx context.Context, r *schema.RecipeResult, known map[string]recipes.Check, c Cluster, p schema.VerifyClusterParams, version string, o Options) (*schema.ValidationResult, error) {
	x, err := newInside(r, p, version, o)
	if err != nil {
		return nil, err
	}
	objects, err := x.objects(known)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, x.jobLimit()+30*time.Second, errLimit)
	defer cancel()
	d := &job.Driver{Cluster: c, Namespace: x.namespace, Name: x.name, Log: o.Log, Poll: o.Pause, Follow: func(kube.Pod) func(string) {
		return func(line string) { o.Log("%s", strings.TrimPrefix(line, "eidos: ")) }
	}}
	if x.agent.NoCleanup {
		o.Log("job %s stays in namespace %s", x.name, x.namespace)
	} else {
		defer func() {
			if err := d.Delete(ctx, x.leftovers(objects)...); err != nil {
				o.Log("deleting what job %s needed: %v; delete what has the label %s=%s", x.name, err, labelRun, x.run())
			}
		}()
	}
	if x.own {
		collect(ctx, c, o.now(), o.Log)
	}
	if err := x.create(ctx, c, d, objects); err != nil {
		return nil, starting(interrupted(ctx, err))
	}
	o.Log("job %s in namespace %s: %s", x.name, x.namespace, x.image)
	pod, err := x.wait(ctx, d)
	if err != nil {
		return nil, interrupted(ctx, err)
	}
	return x.report(ctx, c, d, pod)
}

var errLimit = fmt.Errorf("the Job's time is up")

func newInside(r *schema.RecipeResult, p schema.VerifyClusterParams, version string, o Options) (*inside, error) {
	x := &inside{recipe: r, params: p, agent: *p.Agent, namespace: p.Namespace, image: p.Agent.Image, limit: agentLimit, around: o.Around}
	if x.around == 0 {
		x.around = time.Minute
	}
	x.params.Agent = nil
	random := ""
	if o.Random != nil {
		random = o.Random()
	}
	x.name = spaceName + random
	if x.own = x.namespace == ""; x.own {
		x.namespace = x.name
	}
	if x.image == "" {
		x.image = imageref.InMirror(mirrorOf(r, p), imageref.OfEidos(version))
	}
	var errs []error
	if x.agent.ServiceAccountName != "" && x.own {
		errs = append(errs, schema.Errorf(schema.Invalid, "a ServiceAccount is of a namespace").At("", "agent.serviceAccountName").
			WithHint("name it with %s", schema.Parameter("namespace")))
	}
	limit, err := duration("timeout", p.Timeout)
	if limit > 0 {
		x.limit = limit
	}
	_, bad1 := kube.NodeLabels("agent.nodeSelector", p.Agent.NodeSelector)
	_, bad2 := kube.Tolerations("toleration", p.Toleration)
	return x, schema.Join(append(errs, err, bad1, bad2))
}

// jobLimit is how long the Job may take: its Pod's start, the checks, the deletion of
// their Pods and the report.
func (x *inside) jobLimit() time.Duration { return x.limit + x.around }

// run is the value of the label that marks what the run makes.
func (x *inside) run() string { return strings.TrimPrefix(x.name, spaceName) }

// reportName is the ConfigMap of the report: the one that a prepared ServiceAccount
// may write, as in deploy/agent/checks.
func (x *inside) reportName() string {
	if x.agent.ServiceAccountName != "" {
		return "eidos-checks"
	}
	return x.name
}

func (x *inside) labels() map[string]any { return runLabels("agent", x.run()) }

// objects are all that the Job needs, in the order in which it is made, the Job
// last.
func (x *inside) objects(known map[string]recipes.Check) ([]kube.Object, error) {
	meta := func() map[string]any {
		return map[string]any{"name": x.name, "namespace": x.namespace, "labels": x.labels()}
	}
	var out []kube.Object
	if x.own {
		out = append(out, namespaceOf(x.name, x.labels(), x.limit))
	}
	p := x.params
	p.Namespace = x.namespace // also of the checks' own Pods
	account := x.agent.ServiceAccountName
	if account == "" {
		account = x.name
		rights, err := Rights(x.recipe, known, p)
		if err != nil {
			return nil, err
		}
		out = append(out, kube.Object{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta()})
		for _, m := range Roles(append(rights, reportRights(x.namespace, x.reportName())...), x.name, x.namespace, x.labels()) {
			out = append(out, kube.Object(m))
		}
	}
	input, err := x.input(known)
	if err != nil {
		return nil, err
	}
	out = append(out, input)
	manifest, err := agent.Job(agent.JobSpec{
		Name: x.name, Namespace: x.namespace, Run: x.run(), Account: account, Image: x.image, Limit: x.jobLimit(), Args: x.args(p),
		PullSecrets: x.agent.ImagePullSecret, NodeSelector: x.agent.NodeSelector, Toleration: p.Toleration,
		ConfigMap: x.inputName(), Mount: inputDir,
	})
	return append(out, manifest), err
}

// input is the ConfigMap of what the Pod reads. The definitions are there too: those
// of a site directory are compiled here, where there is memory for it, and the
// checks are those that the rights are for, whatever version the image has.
func (x *inside) input(known map[string]recipes.Check) (kube.Object, error) {
	recipe, err := schema.Encode(x.recipe)
	if err != nil {
		return nil, err
	}
	definitions, err := json.Marshal(known)
	if err != nil {
		return nil, err
	}
	if n := len(recipe) + len(definitions); n > mostInput {
		return nil, schema.Errorf(schema.Invalid, "recipe and definitions of checks have %d bytes, and a Job is given at most %d", n, mostInput).
			WithHint("check from here, without %s", schema.Parameter("agent"))
	}
	return kube.Object{
		"apiVersion": "v1", "kind": "ConfigMap",
		"metadata": map[string]any{"name": x.inputName(), "namespace": x.namespace, "labels": x.labels()},
		"data":     map[string]any{"recipe.json": string(recipe), "checks.json": string(definitions)},
	}, nil
}

func (x *inside) inputName() string { return x.name + "-input" }

// args are the arguments of eidos in the Pod.
func (x *inside) args(p schema.VerifyClusterParams) []any {
	out := []any{"validate", "--recipe=" + inputDir + "/recipe.json", "--definitions=" + inputDir + "/checks.json", "--output=cm://" + x.namespace + "/" + x.reportName(), "--fail-on-error=false", "--namespace=" + x.namespace}
	add := func(flag string, values ...string) {
		for _, v := range values {
			out = append(out, "--"+flag+"="+v)
		}
	}
	if len(p.Phase) == 0 {
		add("phase", "all")
	}
	add("phase", p.Phase...)
	add("only", p.Only...)
	add("skip", p.Skip...)
	add("toleration", p.Toleration...)
	if p.Mirror != "" {
		add("mirror", p.Mirror)
	}
	if p.AllowUnknown {
		add("allow-unknown", "true")
	}
	if p.Wait != "" {
		add("wait", p.Wait)
	}
	// The checks end before their Job does, so that what is unknown by then is reported.
	add("timeout", x.limit.String())
	if p.Parallel != 0 {
		add("parallel", fmt.Sprint(p.Parallel))
	}
	return out
}

// create makes the objects. What is not in the run's namespace is owned by it.
func (x *inside) create(ctx context.Context, c Cluster, d *job.Driver, objects []kube.Object) error {
	if !x.own {
		return x.createIn(ctx, d, objects)
	}
	if err := d.Create(ctx, objects[0]); err != nil {
		return err
	}
	uid, err := c.UID(ctx, objects[0])
	if err != nil {
		return err
	}
	for _, o := range objects[1:] {
		if o.Namespace() != x.namespace {
			o["metadata"].(map[string]any)["ownerReferences"] = []any{map[string]any{"apiVersion": "v1", "kind": "Namespace", "name": x.namespace, "uid": uid}}
		}
	}
	return x.createIn(ctx, d, objects[1:])
}

// createIn makes the objects of a run. A namespace of the recipe that is not there
// takes no roles.
func (x *inside) createIn(ctx context.Context, d *job.Driver, objects []kube.Object) error {
	for _, o := range objects {
		err := d.Create(ctx, o)
		if schema.CodeOf(err) == schema.NotFound && o.Namespace() != "" && o.Namespace() != x.namespace {
			d.Log("what is checked in namespace %s is unknown: it is not there", o.Namespace())
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// leftovers are the objects to delete: those whose deletion takes the others with
// it, and, where the namespace stays, the report.
func (x *inside) leftovers(objects []kube.Object) []kube.Object {
	if x.own {
		// Roles outside are deleted here too: nobody waits for the garbage collector.
		out := []kube.Object{objects[0]}
		for _, o := range objects[1:] {
			if o.Namespace() != x.namespace {
				out = append(out, o)
			}
		}
		return out
	}
	out := []kube.Object{objects[len(objects)-1]}
	out = append(out, objects[:len(objects)-1]...)
	if x.agent.ServiceAccountName != "" {
		return out // the report is the one of deploy/agent/checks
	}
	return append(out, kube.NewObject("ConfigMap", x.namespace, x.reportName()))
}

// wait returns the last Pod of a Job that has ended.
func (x *inside) wait(ctx context.Context, d *job.Driver) (*kube.Pod, error) {
	var last job.Status
	for s, err := range d.Watch(ctx) {
		last = s
		switch {
		case err != nil:
			return nil, trouble(err, s.Trouble)
		case s.Refused != "":
			return nil, schema.Errorf(schema.Failed, "the Pod cannot start: %s", s.Refused)
		case len(s.Stuck) > 0:
			return nil, schema.Errorf(schema.Failed, "the Pod cannot start: %s", s.Trouble).WithHint("%s", hint(s.Trouble))
		case s.Ended():
			d.Drain(ctx, s.Pods...)
		}
	}
	if last.Late() {
		return nil, trouble(schema.Errorf(schema.Timeout, "job %s did not end within %s", x.name, x.limit), last.Trouble)
	}
	if len(last.Pods) == 0 {
		return nil, schema.Errorf(schema.Failed, "job %s ended without a Pod", x.name)
	}
	return &last.Pods[len(last.Pods)-1], nil
}

// report reads what the Pod wrote.
func (x *inside) report(ctx context.Context, c Cluster, d *job.Driver, pod *kube.Pod) (*schema.ValidationResult, error) {
	if pod.Phase != "Succeeded" {
		why := pod.Trouble
		if lines, err := d.Tail(ctx, pod.Name, 5); err == nil && len(lines) > 0 {
			why = strings.TrimPrefix(strings.Join(lines, "\n  "), "eidos: error: ")
		}
		return nil, schema.Errorf(schema.Failed, "the checks on node %s ended with status %d: %s", pod.Node, pod.Exit, why)
	}
	text, err := c.ReadConfigMap(ctx, x.namespace, x.reportName())
	if err != nil {
		return nil, fmt.Errorf("reading the report of the checks: %w", err)
	}
	r := &schema.ValidationResult{}
	return r, schema.Decode("cm://"+x.namespace+"/"+x.reportName(), text, r)
}

func trouble(err error, what string) error {
	if what == "" {
		return err
	}
	return schema.Errorf(schema.CodeOf(err), "%w: %s", err, what).WithHint("%s", hint(what))
}

func hint(trouble string) string {
	return job.Hint(trouble, func(setting string) string {
		if setting == "toleration" {
			return schema.Parameter(setting)
		}
		return schema.Parameter("agent." + setting)
	})
}

// interrupted is what the end of ctx means: the user's interrupt, or that time is up.
func interrupted(ctx context.Context, err error) error {
	switch {
	case ctx.Err() == nil:
		return err
	case context.Cause(ctx) == errLimit:
		return schema.Errorf(schema.Timeout, "%w", err).WithHint("%s gives it longer", schema.Parameter("timeout"))
	}
	return schema.Errorf(schema.Canceled, "checking the cluster: %w", context.Cause(ctx))
}

// starting is an error of creating the Job with what to do about it.
func starting(err error) error {
	if schema.CodeOf(err) != schema.Unauthorized {
		return err
	}
	return schema.Errorf(schema.Unauthorized, "starting the checks' Job: %w", err).
		WithHint("let an administrator apply deploy/agent/checks, then use %s eidos-validate and %s eidos", schema.Parameter("agent.serviceAccountName"), schema.Parameter("namespace"))
}
