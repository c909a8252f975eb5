// Package agent takes a snapshot from inside a cluster: it puts a Job there
// with the rights to read what a snapshot holds and no more, follows it, reads
// the result and leaves nothing behind. Run is the outside, Inside what the Pod
// does.
//
// The result is a ConfigMap that the Pod writes; where it may not, its log has the
// snapshot (envelope.go). A fleet is one Indexed Job, with a Pod a node, and a second
// Job for the facts that are of the whole cluster, so that these are read once. All that
// a run makes has one label, and is deleted also when the run was stopped; what a killed
// run leaves ends by the Job's own deadline and time to live.
package agent

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/imageref"
	"github.com/NVIDIA/eidos/steps/kube"
)

const (
	defaultNamespace = "default"
	defaultLimit     = 10 * time.Minute
	// grace is how much longer than the Job's own deadline its end is waited for.
	grace = 10 * time.Second
)

// Options of Run.
type Options struct {
	// Version of eidos; the agent's image is the one released with it.
	Version string
	// Random gives the end of a run's name: a few lower-case letters and digits.
	Random func() string
	// Now gives the merged snapshot's time.
	Now func() time.Time
	// Poll is how often to look at the Job; 1 s if zero, more for a fleet.
	Poll time.Duration
	// Log adds a line to the story: the agents' own lines too.
	Log func(format string, args ...any)
	// Progress reports how many agents are done; may be nil.
	Progress func(done, total int64, unit string)
}

// Run takes the snapshot that p describes by a Job in the cluster. Whatever
// happens, also when ctx is cancelled, it deletes what it made, unless
// p.Agent.NoCleanup.
//
// Invalid for settings that make no Job, Unauthorized if the API server refuses
// to create one, Timeout if it does not end in time; otherwise the code is that
// of the agent.
func Run(ctx context.Context, p schema.CollectParams, o Options) (*schema.Snapshot, error) {
	r, err := newRun(p, o)
	if err != nil {
		return nil, err
	}
	c, err := kube.Connect(kube.Config{Kubeconfig: p.Kubeconfig, Context: p.Context, UserAgent: "eidos/" + o.Version})
	if err != nil {
		return nil, err
	}
	defer c.Close()
	ctx, cancel := context.WithTimeoutCause(ctx, r.limit+grace, errLimit)
	defer cancel()
	if r.agent.AllNodes {
		return runAll(ctx, c, r, o)
	}
	found, err := runJob(ctx, c, r, o)
	if err != nil {
		return nil, err
	}
	if found[0].err != nil {
		return nil, found[0].err
	}
	return found[0].snapshot, nil
}

// Step is Run for the step kind `collect`.
func Step(o Options) func(context.Context, engine.Env, schema.CollectParams) (*schema.Snapshot, error) {
	return func(ctx context.Context, env engine.Env, p schema.CollectParams) (*schema.Snapshot, error) {
		o := o
		o.Log, o.Progress = env.Log, env.Progress
		return Run(ctx, p, o)
	}
}

var errLimit = fmt.Errorf("the agent's time is up")

// Check says what is wrong with the settings of the agent, without a cluster.
func Check(p schema.CollectParams) error {
	_, err := newRun(p, Options{Version: "v0", Random: func() string { return "x" }})
	return err
}

// newRun fills in the defaults of p and checks the settings, all at once. A manifest is
// made for that too, so that Check finds what the API server would refuse.
func newRun(p schema.CollectParams, o Options) (run, error) {
	r := run{agent: *p.Agent, collect: p, limit: defaultLimit, image: p.Agent.Image, name: p.Agent.JobName}
	r.collect.Agent = nil
	if r.agent.Namespace == "" {
		r.agent.Namespace = defaultNamespace
	}
	if r.image == "" {
		r.image = imageref.OfEidos(o.Version)
	}
	if r.name == "" {
		r.name = "eidos-snapshot-" + o.Random()
	}
	var errs []error
	if r.agent.Timeout != "" {
		d, err := time.ParseDuration(r.agent.Timeout)
		if err != nil || d < time.Second {
			errs = append(errs, schema.Errorf(schema.Invalid, "%q is not a time for a Job, 1s or more", r.agent.Timeout).At("", "agent.timeout"))
		}
		r.limit = d
	}
	if strings.ContainsAny(r.image, " \t\n\"") {
		errs = append(errs, schema.Errorf(schema.Invalid, "%q is not an image", r.image).At("", "agent.image"))
	}
	if len(r.name) > 52 || strings.Contains(r.name, ".") {
		// Pods are named after the Job, with up to 11 more characters.
		errs = append(errs, schema.Errorf(schema.Invalid, "%q is not a name for a Job: at most 52 letters, digits and dashes", r.name).At("", "agent.jobName"))
	}
	_, err := r.job()
	return r, schema.Join(append(errs, err))
}

// result is what became of the agent on one node.
type result struct {
	node     string // "" if no Pod got that far
	snapshot *schema.Snapshot
	err      error
}

// runJob runs one Job to its end and returns a result for each of its Pods.
// The error is of the Job as a whole. Deleting is deferred before the first object is
// created: one whose creation was answered with an error may be there all the same.
func runJob(ctx context.Context, c *kube.Client, r run, o Options) (results []result, err error) {
	rights, err := r.rights()
	if err != nil {
		return nil, err
	}
	manifest, err := r.job()
	if err != nil {
		return nil, err
	}
	if r.before, err = before(ctx, c, r); err != nil {
		return nil, create(err)
	}
	d := newDriver(c, r, o)
	if r.agent.NoCleanup {
		o.Log("job %s stays in namespace %s", r.name, r.agent.Namespace)
	} else {
		defer func() {
			if e := d.Delete(ctx, r.leftovers()...); e != nil {
				// The snapshot is there: what is left is reported, and no error.
				o.Log("cleaning up job %s: %v; delete what has the label %s=%s", r.name, e, labelRun, r.name)
			}
		}()
	}
	if err := d.Create(ctx, append(rights, manifest)...); err != nil {
		return nil, create(ended(ctx, err, r, ""))
	}
	if r.agent.Privileged {
		o.Log("the agent runs as root with the files and the system bus of its host")
	}
	o.Log("job %s in namespace %s: %s", r.name, r.agent.Namespace, r.image)
	status, err := untilDone(ctx, d, r, o)
	if err != nil {
		return nil, ended(ctx, err, r, status.Trouble)
	}
	return gather(ctx, c, r, status, o), nil
}

// before returns the versions of the ConfigMaps that the run will write, by
// index, as they are now. A run that made up its name has none. Invalid if a
// Job of the name is there.
func before(ctx context.Context, c *kube.Client, r run) (map[int]string, error) {
	if r.agent.JobName == "" {
		return nil, nil
	}
	v, err := c.ResourceVersion(ctx, kube.NewObject("Job", r.agent.Namespace, r.name))
	if err != nil {
		return nil, err
	}
	if v != "" {
		return nil, schema.Errorf(schema.Invalid, "a Job %q is in namespace %s already", r.name, r.agent.Namespace).
			WithHint("wait for it, delete it, or leave out %s", schema.Parameter("agent.jobName"))
	}
	out := map[int]string{}
	for i := range max(1, len(r.nodes)) {
		v, err := c.ResourceVersion(ctx, r.configMap(i))
		if err != nil {
			return nil, err
		}
		if v != "" {
			out[i] = v
		}
	}
	return out, nil
}

// create gives errors of creating the Job and its rights their hint.
func create(err error) error {
	if schema.CodeOf(err) != schema.Unauthorized {
		return err
	}
	return schema.Errorf(schema.Unauthorized, "starting the agent: %w", err).
		WithHint("let an administrator apply deploy/agent/base, then use %s eidos-agent, %s eidos and %s eidos-snapshot",
			schema.Parameter("agent.serviceAccountName"), schema.Parameter("agent.namespace"), schema.Parameter("agent.jobName"))
}

// ended turns the end of ctx into what the user did or asked for; trouble is
// what the Job was waiting for.
func ended(ctx context.Context, err error, r run, trouble string) error {
	switch {
	case ctx.Err() == nil:
		return err
	case context.Cause(ctx) == errLimit:
		return tooLong(r, trouble)
	}
	return schema.Errorf(schema.Canceled, "job %s: %w", r.name, context.Cause(ctx))
}

// tooLong is the error of a Job that did not end in time; trouble is what it waited for.
func tooLong(r run, trouble string) error {
	msg := fmt.Sprintf("job %s did not end within %s", r.name, r.limit)
	if trouble != "" {
		return schema.Errorf(schema.Timeout, "%s: %s", msg, trouble).WithHint("%s", hintFor(trouble))
	}
	return schema.Errorf(schema.Timeout, "%s", msg).WithHint("%s gives it longer", schema.Parameter("agent.timeout"))
}
