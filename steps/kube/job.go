package kube

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
)

// Job is how far a Job is.
type Job struct {
	Complete bool
	Failed   bool
	Reason   string // why it failed: DeadlineExceeded, BackoffLimitExceeded, FailedIndexes …
	Message  string
}

// Job reads one Job. NotFound if it is gone.
func (c *Client) Job(ctx context.Context, namespace, name string) (Job, error) {
	path, what, err := NewObject("Job", namespace, name).where()
	if err != nil {
		return Job{}, err
	}
	var j batchv1.Job
	if err := c.get(ctx, what, &j, path...); err != nil {
		return Job{}, err
	}
	var out Job
	for _, cond := range j.Status.Conditions {
		if cond.Status != corev1.ConditionTrue {
			continue
		}
		switch cond.Type {
		case batchv1.JobComplete:
			out.Complete = true
		case batchv1.JobFailed, batchv1.JobFailureTarget: // the latter while its Pods end
			out.Failed, out.Reason, out.Message = true, cond.Reason, cond.Message
		}
	}
	return out, nil
}

// Pod is one Pod of a Job.
type Pod struct {
	Name    string
	Node    string // "" until it is scheduled
	Index   int    // of an Indexed Job, else 0
	Created time.Time
	Phase   string // Pending, Running, Succeeded, Failed
	Started bool   // its container runs or ran, so that it has logs
	Exit    int    // of the container that ended, if Phase is Failed
	Image   string // its container's, by digest, as the node resolved it; "" before
	// Trouble is why it does not run: no node takes it, no image comes.
	Trouble string
	// Hopeless: waiting longer does not help.
	Hopeless bool
}

// JobPods returns the Pods of a Job by index, the newest of each last.
func (c *Client) JobPods(ctx context.Context, namespace, job string) ([]Pod, error) {
	var out []Pod
	err := list(ctx, c, request{
		resource: "pods in namespace " + namespace,
		path:     []string{"api", "v1", "namespaces", namespace, "pods"},
		query:    url.Values{"labelSelector": {batchv1.JobNameLabel + "=" + job}},
		accept:   protoType,
	}, func(p *corev1.Pod) { out = append(out, podOf(p)) })
	slices.SortFunc(out, PodOrder)
	return out, err
}

// PodOrder sorts by index, then by age, the oldest first.
func PodOrder(a, b Pod) int {
	return cmp.Or(cmp.Compare(a.Index, b.Index), a.Created.Compare(b.Created), strings.Compare(a.Name, b.Name))
}

func podOf(p *corev1.Pod) Pod {
	out := Pod{Name: p.Name, Node: p.Spec.NodeName, Created: p.CreationTimestamp.Time, Phase: string(p.Status.Phase)}
	out.Index, _ = strconv.Atoi(p.Annotations[batchv1.JobCompletionIndexAnnotation]) // 0 without one
	for _, s := range p.Status.ContainerStatuses {
		out.Image = s.ImageID
		out.Started = out.Started || s.State.Running != nil || s.State.Terminated != nil
		if t := s.State.Terminated; t != nil {
			out.Exit = int(t.ExitCode)
			if t.Reason != "Error" && t.Reason != "Completed" {
				out.Trouble = reason(t.Reason, t.Message)
			}
		}
		if w := s.State.Waiting; w != nil && w.Reason != "ContainerCreating" && w.Reason != "PodInitializing" {
			out.Trouble = reason(w.Reason, w.Message)
			out.Hopeless = slices.Contains(hopeless, w.Reason)
		}
	}
	for _, cond := range p.Status.Conditions {
		if cond.Type == corev1.PodScheduled && cond.Status == corev1.ConditionFalse {
			out.Trouble = reason(cond.Reason, cond.Message)
		}
	}
	if out.Trouble == "" && p.Status.Phase == corev1.PodFailed {
		out.Trouble = reason(p.Status.Reason, p.Status.Message)
	}
	return out
}

// hopeless are the reasons for waiting that only a changed Job ends.
// ErrImagePull is not one: the kubelet tries again, and then says
// ImagePullBackOff.
var hopeless = []string{
	"CreateContainerConfigError", "CreateContainerError", "ErrImageNeverPull",
	"ImagePullBackOff", "InvalidImageName", "RunContainerError", "CrashLoopBackOff",
}

func reason(reason, message string) string {
	if message == "" {
		return reason
	}
	return strings.TrimPrefix(reason+": "+firstLine(message), ": ")
}

// GPUNode is a node that an agent can be sent to.
type GPUNode struct {
	Name     string
	Hostname string // its hostname label, which Pods are spread by
	Taints   []corev1.Taint
	GPU      bool
	Labelled bool // nvidia.com/gpu.present=true, by GPU feature discovery
}

// Nodes returns the nodes that a label selector selects, sorted by name; ""
// selects all.
func (c *Client) Nodes(ctx context.Context, selector string) ([]GPUNode, error) {
	r := request{method: http.MethodGet, resource: "nodes", path: []string{"api", "v1", "nodes"}, accept: protoType}
	if selector != "" {
		r.query = url.Values{"labelSelector": {selector}}
	}
	var out []GPUNode
	err := list(ctx, c, r, func(n *corev1.Node) {
		g := GPUNode{Name: n.Name, Hostname: n.Labels[corev1.LabelHostname], Taints: slices.Clone(n.Spec.Taints)}
		gpus := n.Status.Capacity["nvidia.com/gpu"]
		g.Labelled = n.Labels["nvidia.com/gpu.present"] == "true"
		g.GPU = g.Labelled || !gpus.IsZero()
		out = append(out, g)
	})
	slices.SortFunc(out, func(a, b GPUNode) int { return strings.Compare(a.Name, b.Name) })
	return out, err
}

// Untolerated returns the first taint of n that keeps out a Pod with these
// tolerations, each a toleration of a Pod; "" for none.
func (n GPUNode) Untolerated(tolerations []Object) string {
	for _, t := range n.Taints {
		if t.Effect == corev1.TaintEffectPreferNoSchedule {
			continue
		}
		if !slices.ContainsFunc(tolerations, func(o Object) bool { return tolerates(o, t) }) {
			return TaintText(t)
		}
	}
	return ""
}

// TaintText is a taint as people write it: KEY=VALUE:EFFECT or KEY:EFFECT.
func TaintText(t corev1.Taint) string {
	return strings.TrimSuffix(t.Key+"="+t.Value, "=") + ":" + string(t.Effect)
}

func tolerates(o Object, t corev1.Taint) bool {
	get := func(k string) string { s, _ := o[k].(string); return s }
	if get("effect") != "" && get("effect") != string(t.Effect) {
		return false
	}
	if get("operator") == "Exists" {
		return get("key") == "" || get("key") == t.Key
	}
	return get("key") == t.Key && get("value") == t.Value
}
