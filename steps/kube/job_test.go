package kube

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/NVIDIA/eidos/schema"
)

func TestPodOf(t *testing.T) {
	waiting := func(reason, message string) corev1.ContainerState {
		return corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}}
	}
	ended := func(reason string, exit int32) corev1.ContainerState {
		return corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Reason: reason, ExitCode: exit}}
	}
	for name, c := range map[string]struct {
		phase corev1.PodPhase
		state corev1.ContainerState
		cond  *corev1.PodCondition
		why   [2]string // of the Pod
		want  Pod
	}{
		"creating": {phase: "Pending", state: waiting("ContainerCreating", ""), want: Pod{Phase: "Pending"}},
		"image": {
			phase: "Pending", state: waiting("ImagePullBackOff", "Back-off pulling\nmore"),
			want: Pod{Phase: "Pending", Trouble: "ImagePullBackOff: Back-off pulling", Hopeless: true},
		},
		"first try": {phase: "Pending", state: waiting("ErrImagePull", "no route"), want: Pod{Phase: "Pending", Trouble: "ErrImagePull: no route"}},
		"no node": {
			phase: "Pending",
			cond:  &corev1.PodCondition{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable", Message: "0/3 nodes are available"},
			want:  Pod{Phase: "Pending", Trouble: "Unschedulable: 0/3 nodes are available"},
		},
		"running": {
			phase: "Running", state: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}},
			want: Pod{Phase: "Running", Started: true},
		},
		"done":   {phase: "Succeeded", state: ended("Completed", 0), want: Pod{Phase: "Succeeded", Started: true}},
		"failed": {phase: "Failed", state: ended("Error", 5), want: Pod{Phase: "Failed", Started: true, Exit: 5}},
		"memory": {phase: "Failed", state: ended("OOMKilled", 137), want: Pod{Phase: "Failed", Started: true, Exit: 137, Trouble: "OOMKilled"}},
		"evicted": {
			phase: "Failed", why: [2]string{"Evicted", "the node was low on memory"},
			want: Pod{Phase: "Failed", Trouble: "Evicted: the node was low on memory"},
		},
	} {
		p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{"batch.kubernetes.io/job-completion-index": "7"}}}
		p.Status.Phase, p.Status.Reason, p.Status.Message = c.phase, c.why[0], c.why[1]
		if c.state != (corev1.ContainerState{}) {
			p.Status.ContainerStatuses = []corev1.ContainerStatus{{State: c.state}}
		}
		if c.cond != nil {
			p.Status.Conditions = []corev1.PodCondition{*c.cond}
		}
		c.want.Index = 7
		if d := cmp.Diff(c.want, podOf(p)); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

// No name becomes part of a path of the API unless it is one.
func TestObjectPath(t *testing.T) {
	for _, c := range []struct {
		o    Object
		want string // path, or the start of the error
	}{
		{NewObject("Job", "ns", "a"), "apis/batch/v1/namespaces/ns/jobs/a"},
		{NewObject("ClusterRole", "", "a.ns"), "apis/rbac.authorization.k8s.io/v1/clusterroles/a.ns"},
		{NewObject("ConfigMap", "ns", "../secrets/x"), `error: "../secrets/x" is not the name of a ConfigMap`},
		{NewObject("ConfigMap", "a/b", "x"), `error: "a/b" is not a namespace's name`},
		{NewObject("DaemonSet", "ns", "x"), `error: no place for objects of kind "DaemonSet"`},
		{Object{}, `error: no place for objects of kind ""`},
	} {
		path, _, err := c.o.where()
		got := strings.Join(path, "/")
		if err != nil {
			got = "error: " + err.Error()
			if schema.CodeOf(err) != schema.Invalid {
				t.Errorf("%v: code %q", c.o, schema.CodeOf(err))
			}
		}
		if got != c.want {
			t.Errorf("%v: %s, want %s", c.o, got, c.want)
		}
	}
}
