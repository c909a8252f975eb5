package kubetest_test

import (
	"context"
	"os"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/NVIDIA/eidos/tools/kube/cluster"
	"github.com/NVIDIA/eidos/tools/kube/kubetest"
)

func TestMain(m *testing.M) { os.Exit(kubetest.Main(m)) }

func TestServerIsTheVersionWeBuild(t *testing.T) {
	c := kubetest.New(t)
	v, err := c.Client.Discovery().ServerVersion()
	if err != nil {
		t.Fatal(err)
	}
	if v.GitVersion != cluster.Version {
		t.Errorf("server is %s, want %s", v.GitVersion, cluster.Version)
	}
}

// The authorizer is the real one: what a rule does not name is refused.
func TestRulesAreTheOnlyRights(t *testing.T) {
	c := kubetest.New(t)
	ctx := context.Background()
	config, err := clientcmd.BuildConfigFromFlags("", c.As(t, kubetest.Rule("", "configmaps", "get", "create")))
	if err != nil {
		t.Fatal(err)
	}
	user, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	maps := user.CoreV1().ConfigMaps(c.Namespace)
	cm := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "x"}, Data: map[string]string{"k": "v"}}
	if _, err := maps.Create(ctx, cm, metav1.CreateOptions{}); err != nil {
		t.Errorf("create is granted: %v", err)
	}
	got, err := maps.Get(ctx, "x", metav1.GetOptions{})
	if err != nil || got.Data["k"] != "v" {
		t.Errorf("get is granted: %v, %v", got.Data, err)
	}
	if err := maps.Delete(ctx, "x", metav1.DeleteOptions{}); !apierrors.IsForbidden(err) {
		t.Errorf("delete is not granted, got %v", err)
	}
	if _, err := user.CoreV1().Secrets(c.Namespace).List(ctx, metav1.ListOptions{}); !apierrors.IsForbidden(err) {
		t.Errorf("secrets are not granted, got %v", err)
	}
}

func TestNamespaceIsOfTheTestAlone(t *testing.T) {
	a, b := kubetest.New(t), kubetest.New(t)
	if a.Namespace == b.Namespace {
		t.Errorf("both tests have namespace %q", a.Namespace)
	}
}
