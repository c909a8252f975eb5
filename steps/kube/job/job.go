// Package job drives one Job of a cluster: it creates the Job and what its Pods
// need, watches the Pods, follows their logs, reports what they wait for, and
// deletes what it created. The agent, the executor of steps and the checks that
// run programs differ in their manifests and in what they take for a result;
// that is theirs, and all else is here.
//
//	d := &job.Driver{Cluster: client, Namespace: "default", Name: "snapshot", Log: env.Log}
//	defer d.Delete(ctx, objects...)
//	if err := d.Create(ctx, objects...); err != nil { … }
//	for s, err := range d.Watch(ctx) { … }
package job

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/kube"
)

const (
	// CleanUp bounds Delete, also after the run was interrupted.
	CleanUp = 30 * time.Second
	// LiveLogs is the greatest number of Pods of one Job whose logs are followed
	// as they come: nobody reads more at once.
	LiveLogs = 16
	// defaultPoll is the time between two looks at a Job.
	defaultPoll = time.Second
	// givenUp is how long a request may be under way that was given up.
	givenUp = time.Second
	// lastLines is how long the end of a log may take to come after its Pod's.
	lastLines = 5 * time.Second

	deadlineExceeded = "DeadlineExceeded"
)

// Cluster is what driving a Job takes of an API server. *kube.Client is one.
type Cluster interface {
	Apply(ctx context.Context, o kube.Object) error
	Delete(ctx context.Context, o kube.Object) error
	Job(ctx context.Context, namespace, name string) (kube.Job, error)
	JobPods(ctx context.Context, namespace, job string) ([]kube.Pod, error)
	PodLog(ctx context.Context, namespace, pod string, follow bool, each func(line string)) error
	Warnings(ctx context.Context, kind, namespace, name string) ([]string, error)
}

// Driver drives one Job. Its methods are not for several goroutines at once.
type Driver struct {
	Cluster   Cluster
	Namespace string
	Name      string        // of the Job
	Poll      time.Duration // between two looks; 1 s if zero
	// Log takes lines about the Job as a whole: what its Pods wait for, and logs
	// that cannot be read. It may be called by several goroutines at once.
	Log func(format string, args ...any)
	// Follow returns the function that takes the lines of a Pod's log, nil if
	// nobody wants them. It is called once for each log that is read. Nil: no log
	// is read.
	Follow func(kube.Pod) func(line string)
	// Needed reports whether anybody still waits for a Pod. Nil: for all.
	Needed func(kube.Pod) bool

	seen    map[string]kube.Pod      // by name
	logs    map[string]chan struct{} // by Pod; closed at the log's end
	readers sync.WaitGroup
	trouble string // last reported
	unsure  bool   // an object was being created when ctx ended
}

// Create applies objects in order: what Pods need, and then the Job.
func (d *Driver) Create(ctx context.Context, objects ...kube.Object) error {
	for _, o := range objects {
		if err := d.Cluster.Apply(ctx, o); err != nil {
			d.unsure = ctx.Err() != nil
			return err
		}
	}
	return nil
}

// Delete deletes every one of objects that it can, in order, also when ctx has
// ended: it has CleanUp to do so. The error joins all that went wrong. A busy API
// server may carry out the request to create an object that was given up after the
// one to delete it, so that all are deleted twice then.
func (d *Driver) Delete(ctx context.Context, objects ...kube.Object) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), CleanUp)
	defer cancel()
	for {
		var errs []error
		for _, o := range objects {
			errs = append(errs, d.Cluster.Delete(ctx, o))
		}
		if !d.unsure {
			return errors.Join(errs...)
		}
		d.unsure = false
		time.Sleep(givenUp)
	}
}

// Hint is what to try against trouble of a Pod; parameter returns how the user
// writes a setting: image, imagePullSecret, runtimeClass, nodeSelector,
func Hint(trouble string, parameter func(setting string) string) string {
	switch {
	case strings.Contains(trouble, "Image"):
		return "is the image right, and can the cluster pull it? " + parameter("image") + ", " + parameter("imagePullSecret")
	case strings.Contains(trouble, "Unschedulable"):
		return parameter("nodeSelector") + " and " + parameter("toleration") + " decide where it may run"
	case strings.Contains(trouble, "runtime"):
		return "does the cluster have that RuntimeClass? " + parameter("runtimeClass")
	}
	return "kubectl describe pod shows more; " + parameter("noCleanup") + " keeps it"
}

// deleted is the error of a Job that somebody else deleted.
func (d *Driver) deleted() error {
	return schema.Errorf(schema.Unavailable, "job %s was deleted while it ran", d.Name)
}
