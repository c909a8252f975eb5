package agent

import (
	"time"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/kube"
)

// JobSpec is what differs between the Jobs that run eidos in a cluster.
type JobSpec struct {
	Name, Namespace string
	Run             string // value of the label that marks what one run made
	Account         string // ServiceAccount
	Image           string
	Limit           time.Duration
	Args            []any
	PullSecrets     []schema.Name
	NodeSelector    []string
	Toleration      []string
	// ConfigMap is mounted at Mount.
	ConfigMap, Mount string
}

// Job is the Job of deploy/agent/job with other arguments: the same security
// context, resources and label, so that one NetworkPolicy covers both. Invalid for
// a selector or a toleration that is not one.
func Job(s JobSpec) (kube.Object, error) {
	r := run{name: s.Name, image: s.Image, limit: s.Limit, agent: schema.Agent{
		Namespace: s.Namespace, ServiceAccountName: s.Account, ImagePullSecret: s.PullSecrets,
		NodeSelector: s.NodeSelector, Toleration: s.Toleration,
	}}
	o, err := r.job()
	if err != nil {
		return nil, err
	}
	labels := r.labels()
	labels[labelRun] = s.Run
	set(o, labels, "metadata", "labels")
	set(o, labels, "spec", "template", "metadata", "labels")
	container := []any{"spec", "template", "spec", "containers", 0}
	set(o, s.Args, append(container, "args")...)
	add(o, map[string]any{"name": "input", "configMap": map[string]any{"name": s.ConfigMap}}, "spec", "template", "spec", "volumes")
	add(o, map[string]any{"name": "input", "mountPath": s.Mount, "readOnly": true}, append(container, "volumeMounts")...)
	return o, nil
}
