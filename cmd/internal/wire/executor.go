package wire

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/NVIDIA/eidos/cmd/internal/flags"
	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/process"
	"github.com/NVIDIA/eidos/engine/run"
	"github.com/NVIDIA/eidos/engine/store"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/jobs"
	"github.com/NVIDIA/eidos/steps/oci"
)

// The executors.
const (
	Local      = "local"      // in this process
	Process    = "process"    // each step in a process of its own
	Kubernetes = "kubernetes" // as Jobs
)

// Executors are the executors that there are.
func Executors() []string { return []string{Local, Process, Kubernetes} }

// jobsInCluster is how many steps wait for Pods at once if --jobs does not say:
// it is the cluster that does the work.
const jobsInCluster = 256

// Executor is where steps run.
type Executor struct {
	Kind  string // of Executors; "" is Local
	Store string // what this machine and the Pods both reach, oci://REGISTRY/REPOSITORY
	// Pods are the settings of Pods that were given, of #Pods; nil for none.
	Pods map[string]any
}

// Set makes r run its steps there. What it returns is called when the run has ended: it
// deletes what was made for the run in the cluster, and a failure to do so is a warning,
// for the run has its result.
func (f Executor) Set(w *Wiring, r *run.Runner, s *store.Directory, access oci.Access) (func(), error) {
	none := func() {}
	switch f.Kind {
	case "", Local:
		return none, f.onlyKubernetes()
	case Process:
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		env := os.Environ()
		for k, v := range w.passOn() {
			env = append(env, k+"="+v)
		}
		r.Execute = process.Executor(func(t engine.Task) []string {
			return []string{self, "step", "run", "--plan=-", "--step=" + t.Step, "--store=" + s.Dir(), "--progress=json", "--attended"}
		}, env)
		return none, f.onlyKubernetes()
	case Kubernetes:
		x, err := f.jobs(w, s, access)
		if err != nil {
			return nil, err
		}
		r.Execute, r.ExecuteRows = x.Execute, true
		if r.Jobs == 0 {
			r.Jobs = jobsInCluster
		}
		return func() {
			if err := x.Close(); err != nil {
				w.Story.Warn("%v", err)
			}
		}, nil
	}
	return nil, schema.Errorf(schema.Invalid, "--executor: no executor %q", f.Kind).
		WithHint("%s", schema.Suggest(f.Kind, Executors()))
}

// onlyKubernetes refuses settings of Pods where there are none.
func (f Executor) onlyKubernetes() error {
	names := slices.Sorted(maps.Keys(f.Pods))
	if f.Store != "" {
		names = append(names, "store")
	}
	for _, n := range names {
		return schema.Errorf(schema.Invalid, "--%s is for steps that run as Jobs", schema.FlagName(n)).WithHint("add --executor kubernetes")
	}
	return nil
}

// jobs is the executor for Kubernetes. Pods and this machine share nothing but the
// registry of --store, so how it is reached is passed on to the Pods.
func (f Executor) jobs(w *Wiring, s *store.Directory, access oci.Access) (*jobs.Executor, error) {
	if !strings.HasPrefix(f.Store, "oci://") {
		return nil, schema.Errorf(schema.Invalid, "--store: %q is not a registry that Pods can reach", f.Store).WithHint("name one with --store oci://REGISTRY/REPOSITORY")
	}
	between, err := w.OpenCache(f.Store, access)
	if err != nil {
		return nil, err
	}
	o := jobs.Options{
		Kube: w.cluster, Shared: between, URI: f.Store, Store: s, Env: w.passOn(), Version: w.Version, Random: random,
	}
	if access.PlainHTTP {
		o.Args = append(o.Args, "--plain-http")
	}
	if access.InsecureTLS {
		o.Args = append(o.Args, "--insecure-tls")
	}
	if err := flags.Decode(f.Pods, &o.Pods); err != nil {
		return nil, err
	}
	x, err := jobs.New(o)
	return x, flags.About(err)
}

// envPipeline names to a remote step the pipeline it is of, for
// attestations: DIGEST NAME.
const envPipeline = "EIDOS_PIPELINE"

// passOn is the environment of remote steps: what a result may depend on or name, and
// nothing else of this machine.
func (w *Wiring) passOn() map[string]string {
	out := map[string]string{}
	if w.Pipeline != nil {
		out[envPipeline] = string(schema.DigestOf(w.Pipeline.Text)) + " " + filepath.Base(w.Pipeline.Name)
	}
	if v, ok := w.Env("SOURCE_DATE_EPOCH"); ok {
		out["SOURCE_DATE_EPOCH"] = v
	}
	return out
}
