// Package kubetest gives tests a real API server: etcd and kube-apiserver with
// RBAC on, one for all tests of a package (or of the whole run, under
// `kube with`), a namespace for each test.
//
//	func TestMain(m *testing.M) { os.Exit(kubetest.Main(m)) }
//
//	func TestX(t *testing.T) {
//		c := kubetest.New(t)
//		kubeconfig := c.As(t, kubetest.Rule("", "configmaps", "get", "patch"))
//
// There are no controllers: a namespace that is deleted stays, a Job makes no
// Pods, nobody creates default ServiceAccounts.
package kubetest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/NVIDIA/eidos/tools/kube/cluster"
)

// Cluster is the API server as one test sees it.
type Cluster struct {
	Kubeconfig string // of a cluster administrator, its namespace set
	Namespace  string // of this test alone
	Client     *kubernetes.Clientset
	Config     *rest.Config
	// Server is the process behind it, to pause it or to look at its flags; nil
	// when the server is shared with other packages.
	Server *cluster.Cluster
}

// shared is the server of this test binary. It cannot be passed from TestMain
// to the tests any other way.
var shared struct {
	sync.Mutex
	used   bool // by Main, which ends what New starts
	server *cluster.Cluster
	err    error
}

// Main runs the tests of a package and ends the server they started.
func Main(m *testing.M) int {
	shared.used = true
	code := m.Run()
	if shared.server != nil {
		if err := shared.server.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, "kubetest:", err)
			return 1
		}
	}
	return code
}

// New returns the shared server with a new namespace. It skips the test when
// the servers have not been built, unless EIDOS_REQUIRE_KUBE is set.
func New(t testing.TB) *Cluster {
	t.Helper()
	if path := os.Getenv("EIDOS_KUBE"); path != "" {
		return view(t, path, nil)
	}
	shared.Lock()
	defer shared.Unlock()
	if !shared.used {
		t.Fatal("kubetest.New without kubetest.Main in TestMain")
	}
	if shared.server == nil && shared.err == nil {
		shared.server, shared.err = start(cluster.Options{})
	}
	if errors.Is(shared.err, fs.ErrNotExist) && os.Getenv("EIDOS_REQUIRE_KUBE") == "" {
		t.Skipf("%v; run tools/kube/build", shared.err)
	}
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return view(t, shared.server.Kubeconfig, shared.server)
}

// Own starts a server for this test alone, for tests that pause or stop it or
// need controllers.
func Own(t testing.TB, o cluster.Options) *Cluster {
	t.Helper()
	s, err := start(o)
	if errors.Is(err, fs.ErrNotExist) && os.Getenv("EIDOS_REQUIRE_KUBE") == "" {
		t.Skipf("%v; run tools/kube/build", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	return view(t, s.Kubeconfig, s)
}

func start(o cluster.Options) (*cluster.Cluster, error) {
	var err error
	if o.Bin, err = cluster.Bin(); err != nil {
		return nil, err
	}
	need := []string{"etcd", "kube-apiserver"}
	if o.Controllers {
		need = append(need, "kube-controller-manager", "kube-scheduler")
	}
	for _, name := range need {
		if _, err := os.Stat(filepath.Join(o.Bin, name)); err != nil {
			return nil, fmt.Errorf("finding the Kubernetes servers: %w", err)
		}
	}
	if o.Dir, err = os.MkdirTemp("", "eidos-kube-"); err != nil {
		return nil, err
	}
	return cluster.Start(o)
}

// view makes the namespace of t and a kubeconfig that points at it.
func view(t testing.TB, kubeconfig string, server *cluster.Cluster) *Cluster {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	config.QPS = -1 // the tests are the only users
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	ns, err := client.CoreV1().Namespaces().Create(context.Background(), &corev1.Namespace{
		ObjectMeta: metav1.ObjectMeta{GenerateName: prefix(t.Name())},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	c := &Cluster{Namespace: ns.Name, Client: client, Config: config, Server: server}
	c.Kubeconfig = c.write(t, config)
	return c
}

// prefix turns the name of a test into the start of an object's name.
func prefix(test string) string {
	s := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '-'
	}, test)
	s = strings.Trim(strings.TrimPrefix(s, "test"), "-")
	return s[:min(len(s), 40)] + "-"
}
