package kubetest

import (
	"context"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// NewNode returns a node with eight H100, as a kubelet on EKS reports it.
func NewNode(name string) *corev1.Node {
	room := corev1.ResourceList{
		"cpu": resource.MustParse("192"), "memory": resource.MustParse("2Ti"),
		"pods": resource.MustParse("110"), "nvidia.com/gpu": resource.MustParse("8"),
	}
	return &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{
			corev1.LabelHostname: name, "nvidia.com/gpu.present": "true", "nvidia.com/gpu.product": "NVIDIA-H100-80GB-HBM3",
		}},
		Spec: corev1.NodeSpec{ProviderID: "aws:///us-east-1a/i-" + name},
		Status: corev1.NodeStatus{
			Capacity: room, Allocatable: room,
			Conditions: []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue, Reason: "KubeletReady"}},
			NodeInfo: corev1.NodeSystemInfo{
				KubeletVersion: "v1.33.5-eks-3025e55", KernelVersion: "6.8.0-1028-aws", OSImage: "Ubuntu 24.04.3 LTS",
				ContainerRuntimeVersion: "containerd://2.1.4", OperatingSystem: "linux", Architecture: "amd64",
			},
		},
	}
}

// AddNode creates a node with its status.
func (c *Cluster) AddNode(ctx context.Context, n *corev1.Node) error {
	status := n.Status
	made, err := c.Client.CoreV1().Nodes().Create(ctx, n, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	for {
		made.Status = status
		if _, err = c.Client.CoreV1().Nodes().UpdateStatus(ctx, made, metav1.UpdateOptions{}); !apierrors.IsConflict(err) {
			return err
		}
		// The controller manager was faster.
		if made, err = c.Client.CoreV1().Nodes().Get(ctx, n.Name, metav1.GetOptions{}); err != nil {
			return err
		}
	}
}

// Put applies an object, JSON or YAML, at a path of the API. It waits for a
// resource that was defined a moment ago.
func (c *Cluster) Put(t testing.TB, path, object string) {
	t.Helper()
	for end := time.Now().Add(grantLimit); ; time.Sleep(20 * time.Millisecond) {
		err := c.Client.RESTClient().Patch(types.ApplyYAMLPatchType).AbsPath(path).
			Param("fieldManager", "kubetest").Param("force", "true").Body([]byte(object)).Do(context.Background()).Error()
		if err == nil {
			return
		}
		if !apierrors.IsNotFound(err) || time.Now().After(end) {
			t.Fatalf("applying %s: %v", path, err)
		}
	}
}
