// Package jobs runs steps as Jobs in a cluster: the rows of a matrix that are
// ready together as one Indexed Job, any other step as a Job of its own. The
// Pods do what `eidos step run` does. What they need and what they make travels
// through a registry; what they log comes back through the API server.
//
// The result that counts is the one that was delivered to the registry, not what a log
// says: logs break off, and Pods are killed after they have delivered. An interrupted
// run finds results of its Pods there under its own id, and starts no Job for them.
// A Job is deleted when its tasks have outcomes, or nobody waits any more; if this
// process is killed first, the Job ends by itself and is removed by the cluster an hour
// later (keep), and its Secret goes with it.
package jobs

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/remote"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/imageref"
	"github.com/NVIDIA/eidos/steps/kube"
)

const defaultNamespace = "default"

// Options of New.
type Options struct {
	Pods schema.Pods
	Kube kube.Config
	// Shared is what this machine and the Pods both reach, and URI its address
	// for the Pods.
	Shared engine.Cache
	URI    string
	Args   []string // more for `eidos step run`: how to speak to URI
	Store  engine.Store
	Env    map[string]string // of the containers
	// Version of eidos; the Pods' image is the one released with it.
	Version string
	// Random gives the end of a Job's name: a few lower-case letters and digits.
	Random func() string
	Poll   time.Duration // how often to look at a Job; 1 s if zero
}

// Executor runs steps in a cluster. Close it when the run has ended.
type Executor struct {
	Options
	client    *kube.Client
	image     string
	namespace string
	mu        sync.Mutex
	waiting   map[string]*batch // by matrix step
	left      []error           // what could not be deleted
	open      sync.WaitGroup    // Jobs that are not cleaned up yet
}

// New connects to the cluster; it sends nothing yet. Invalid for settings that
// make no Pod: a manifest is made of them here, so that a run does not fail by them
// after an hour of other steps.
func New(o Options) (*Executor, error) {
	e := &Executor{Options: o, image: o.Pods.Image, namespace: o.Pods.Namespace, waiting: map[string]*batch{}}
	if e.image == "" {
		e.image = imageref.OfEidos(o.Version)
	}
	if e.namespace == "" {
		e.namespace = defaultNamespace
	}
	var errs []error
	if strings.ContainsAny(e.image, " \t\n\"") {
		errs = append(errs, schema.Errorf(schema.Invalid, "%q is not an image", e.image).At("", "image"))
	}
	if _, err := e.job("check", nil, ""); err != nil {
		errs = append(errs, err)
	}
	if err := schema.Join(errs); err != nil {
		return nil, err
	}
	var err error
	e.client, err = kube.Connect(o.Kube)
	return e, err
}

// Execute is an engine.Execute that wants rows together. Many calls wait at the same
// time; each gets its own outcome, also where one Job runs all of them. A task whose
// context ends is not waited for, and its Job goes when all of its tasks are that far.
func (e *Executor) Execute(ctx context.Context, t engine.Task, env engine.Env) (engine.TaskResult, error) {
	// What a run that was interrupted had done is not done again.
	if res, ok, err := remote.Receive(ctx, t, e.Shared, e.Store); err == nil && ok && res.Error == nil {
		env.Log("done before, by a Pod of the same run")
		return res, nil
	}
	w := &request{ctx: ctx, task: t, env: env, done: make(chan outcome, 1)}
	e.add(w)
	select {
	case o := <-w.done:
		return o.result, o.err
	case <-ctx.Done():
		return engine.TaskResult{}, ctx.Err()
	}
}

// Close waits until nothing of the Jobs is left, and ends the connection. The
// error is what could not be deleted.
func (e *Executor) Close() error {
	e.open.Wait()
	e.client.Close()
	e.mu.Lock()
	defer e.mu.Unlock()
	return schema.Join(e.left)
}

// outcome is what became of one task.
type outcome struct {
	result engine.TaskResult
	err    error
}

// request is one task that somebody waits for.
type request struct {
	ctx  context.Context // of the attempt
	task engine.Task
	env  engine.Env
	done chan outcome // takes one without blocking
}

func (r *request) end(res engine.TaskResult, err error) { r.done <- outcome{res, err} }
