package main

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/process"
	"github.com/NVIDIA/eidos/engine/run"
	"github.com/NVIDIA/eidos/engine/store"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/jobs"
	"github.com/NVIDIA/eidos/steps/kube"
	"github.com/NVIDIA/eidos/steps/oci"
)

// The words of --executor.
const (
	executorLocal      = "local"
	executorProcess    = "process"
	executorKubernetes = "kubernetes"
)

// jobsInCluster is how many steps wait for Pods at once if --jobs does not say:
// it is the cluster that does the work.
const jobsInCluster = 256

// executor are the flags about where steps run.
type executor struct {
	kind  string
	store string
	pods  func() map[string]any
}

func (f *executor) bind(a *app, c *cobra.Command) {
	words := []string{executorLocal, executorProcess, executorKubernetes}
	fl := c.Flags()
	fl.StringVar(&f.kind, "executor", executorLocal, "where steps run: local, in this process; process, each in one of its own; kubernetes, as Jobs")
	must(c.RegisterFlagCompletionFunc("executor", cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)))
	fl.StringVar(&f.store, "store", "", "kubernetes: what this machine and the Pods both reach, oci://REGISTRY/REPOSITORY")
	f.pods = a.params(c, "Pods")
}

// set makes r run its steps where the flags say. What it returns is called when
// the run has ended.
func (f *executor) set(a *app, w *wired, r *run.Runner, s *store.Directory, cluster kube.Config, access oci.Access) (func(), error) {
	none := func() {}
	switch f.kind {
	case "", executorLocal:
		return none, f.onlyKubernetes()
	case executorProcess:
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		env := os.Environ()
		for k, v := range a.passOn() {
			env = append(env, k+"="+v)
		}
		r.Execute = process.Executor(func(t engine.Task) []string {
			return []string{self, "step", "run", "--plan=-", "--step=" + t.Step, "--store=" + s.Dir(), "--progress=json", "--attended"}
		}, env)
		return none, f.onlyKubernetes()
	case executorKubernetes:
		x, err := f.jobs(a, w, s, cluster, access)
		if err != nil {
			return nil, err
		}
		r.Execute, r.ExecuteRows = x.Execute, true
		if r.Jobs == 0 {
			r.Jobs = jobsInCluster
		}
		return func() {
			if err := x.Close(); err != nil {
				a.Story.Warn("%v", err)
			}
		}, nil
	}
	return nil, schema.Errorf(schema.Invalid, "--executor: no executor %q", f.kind).
		WithHint("%s", schema.Suggest(f.kind, []string{executorLocal, executorProcess, executorKubernetes}))
}

// onlyKubernetes refuses settings of Pods where there are none.
func (f *executor) onlyKubernetes() error {
	var names []string
	if f.pods != nil {
		names = slices.Sorted(maps.Keys(f.pods()))
	}
	if f.store != "" {
		names = append(names, "store")
	}
	for _, n := range names {
		return schema.Errorf(schema.Invalid, "--%s is for steps that run as Jobs", schema.FlagName(n)).WithHint("add --executor kubernetes")
	}
	return nil
}

func (f *executor) jobs(a *app, w *wired, s *store.Directory, cluster kube.Config, access oci.Access) (*jobs.Executor, error) {
	if !strings.HasPrefix(f.store, "oci://") {
		return nil, schema.Errorf(schema.Invalid, "--store: %q is not a registry that Pods can reach", f.store).WithHint("name one with --store oci://REGISTRY/REPOSITORY")
	}
	between, err := w.openCache(f.store, access)
	if err != nil {
		return nil, err
	}
	o := jobs.Options{
		Kube: cluster, Shared: between, URI: f.store, Store: s, Env: a.passOn(), Version: versionOf(), Random: random,
	}
	if access.PlainHTTP {
		o.Args = append(o.Args, "--plain-http")
	}
	if access.InsecureTLS {
		o.Args = append(o.Args, "--insecure-tls")
	}
	if err := schema.DecodeValue("pods", f.pods(), &o.Pods); err != nil {
		return nil, err
	}
	return jobs.New(o)
}

// envPipeline names to a remote step the pipeline it is of, for
// attestations: DIGEST NAME.
const envPipeline = "EIDOS_PIPELINE"

// passOn is the environment of remote steps.
func (a *app) passOn() map[string]string {
	out := map[string]string{}
	if a.pipeline != nil {
		sum := sha256.Sum256(a.pipeline.Text)
		out[envPipeline] = "sha256:" + hex.EncodeToString(sum[:]) + " " + filepath.Base(a.pipeline.Name)
	}
	if v, ok := a.Env("SOURCE_DATE_EPOCH"); ok {
		out["SOURCE_DATE_EPOCH"] = v
	}
	return out
}
