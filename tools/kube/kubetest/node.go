package kubetest

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
)

// Container is what runs in a Pod of a Node: it writes its log and returns its
// exit status. ctx ends when the Pod is deleted.
type Container func(ctx context.Context, pod *corev1.Pod, log io.Writer) int

// Node is a node whose kubelet is this test: its Pods are scheduled by the real
// scheduler, their containers are Go functions, and the API server fetches
// their logs from it.
type Node struct {
	cluster *Cluster
	name    string
	run     Container
	missing bool // images
	mu      sync.Mutex
	pods    map[string]*pod // by UID
}

// pod is a Pod that runs, or has run.
type pod struct {
	cancel context.CancelFunc
	mu     sync.Mutex
	log    []byte
	done   bool
}

// StartNode adds a node to a cluster that was started with this name in
// Options.Nodes, waits until it is ready, and removes it when the test ends.
// change, if not nil, edits it before it is created. A Pod whose image holds
// the word "missing" never gets it, nor does any Pod of a node with that label.
func (c *Cluster) StartNode(t testing.TB, name string, change func(*corev1.Node), run Container) {
	t.Helper()
	n := &Node{cluster: c, name: name, run: run, pods: map[string]*pod{}}
	cert, err := tls.LoadX509KeyPair(c.Server.Credential(name+"-serving.crt"), c.Server.Credential(name+"-serving.key"))
	if err != nil {
		t.Fatal(err)
	}
	kubelet := httptest.NewUnstartedServer(http.HandlerFunc(n.serveLog))
	kubelet.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
	kubelet.StartTLS()
	ctx, cancel := context.WithCancel(context.Background())
	var loop sync.WaitGroup
	t.Cleanup(func() {
		cancel()
		loop.Wait()
		n.stop()
		kubelet.CloseClientConnections()
		kubelet.Close()
		_ = c.Client.CoreV1().Nodes().Delete(context.Background(), name, metav1.DeleteOptions{}) // the cluster goes anyway
	})
	if err := n.register(ctx, kubelet.Listener.Addr().(*net.TCPAddr).Port, change); err != nil {
		t.Fatal(err)
	}
	loop.Go(func() { n.loop(ctx) })
	for end := time.Now().Add(grantLimit); ; time.Sleep(20 * time.Millisecond) {
		got, err := c.Client.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		// The controller manager takes this taint away when it sees a ready node.
		if !hasTaint(got, corev1.TaintNodeNotReady) {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("node %s was not ready within %s", name, grantLimit)
		}
	}
}

func hasTaint(n *corev1.Node, key string) bool {
	for _, t := range n.Spec.Taints {
		if t.Key == key {
			return true
		}
	}
	return false
}

func (n *Node) register(ctx context.Context, port int, change func(*corev1.Node)) error {
	node := NewNode(n.name)
	node.Status.Addresses = []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: "127.0.0.1"}}
	node.Status.DaemonEndpoints.KubeletEndpoint.Port = int32(port)
	if change != nil {
		change(node)
	}
	_, n.missing = node.Labels["missing"]
	return n.cluster.AddNode(ctx, node)
}

// loop is the kubelet: it starts the Pods that are bound to the node and ends
// those that are deleted.
func (n *Node) loop(ctx context.Context) {
	pods := n.cluster.Client.CoreV1().Pods("")
	for ; ctx.Err() == nil; time.Sleep(20 * time.Millisecond) {
		w, err := pods.Watch(ctx, metav1.ListOptions{FieldSelector: "spec.nodeName=" + n.name})
		if err != nil {
			continue // the test is over, or the next round has better luck
		}
		for e := range w.ResultChan() { // first the Pods that are there, then every change
			if p, ok := e.Object.(*corev1.Pod); ok && e.Type != watch.Deleted {
				n.sync(ctx, p)
			}
		}
	}
}

func (n *Node) sync(ctx context.Context, p *corev1.Pod) {
	n.mu.Lock()
	defer n.mu.Unlock()
	have := n.pods[string(p.UID)]
	switch {
	case p.DeletionTimestamp != nil:
		if have != nil {
			have.cancel()
		}
		now := int64(0)
		for ; ctx.Err() == nil; time.Sleep(20 * time.Millisecond) {
			err := n.cluster.Client.CoreV1().Pods(p.Namespace).Delete(ctx, p.Name, metav1.DeleteOptions{
				GracePeriodSeconds: &now, Preconditions: metav1.NewUIDPreconditions(string(p.UID)),
			})
			if err == nil || apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
				break
			}
		}
		delete(n.pods, string(p.UID))
	case have != nil:
	case n.missing || strings.Contains(p.Spec.Containers[0].Image, "missing"):
		n.status(ctx, p, corev1.PodPending, corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{
			Reason: "ImagePullBackOff", Message: fmt.Sprintf("Back-off pulling image %q", p.Spec.Containers[0].Image),
		}})
	default:
		running, cancel := context.WithCancel(ctx)
		here := &pod{cancel: cancel}
		n.pods[string(p.UID)] = here
		n.status(ctx, p, corev1.PodRunning, corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.Now()}})
		go func() {
			exit := n.run(running, p, here)
			here.mu.Lock()
			here.done = true
			here.mu.Unlock()
			phase, why := corev1.PodSucceeded, "Completed"
			if exit != 0 {
				phase, why = corev1.PodFailed, "Error"
			}
			n.status(ctx, p, phase, corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
				ExitCode: int32(exit), Reason: why, FinishedAt: metav1.Now(), StartedAt: metav1.Now(),
			}})
		}()
	}
}

// status reports a Pod's state; a Pod that is gone meanwhile has none.
func (n *Node) status(ctx context.Context, p *corev1.Pod, phase corev1.PodPhase, state corev1.ContainerState) {
	for ctx.Err() == nil {
		got, err := n.cluster.Client.CoreV1().Pods(p.Namespace).Get(ctx, p.Name, metav1.GetOptions{})
		if err != nil {
			return
		}
		got.Status.Phase = phase
		got.Status.ContainerStatuses = []corev1.ContainerStatus{{
			Name: p.Spec.Containers[0].Name, Image: p.Spec.Containers[0].Image, State: state, Ready: state.Running != nil,
		}}
		if _, err = n.cluster.Client.CoreV1().Pods(p.Namespace).UpdateStatus(ctx, got, metav1.UpdateOptions{}); !apierrors.IsConflict(err) {
			return
		}
	}
}

func (n *Node) stop() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, p := range n.pods {
		p.cancel()
	}
}

// Write adds to the log of p.
func (p *pod) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.log = append(p.log, b...)
	return len(b), nil
}

// serveLog answers the API server's GET /containerLogs/NAMESPACE/POD/CONTAINER.
func (n *Node) serveLog(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	if len(parts) != 4 || parts[0] != "containerLogs" {
		http.NotFound(w, r)
		return
	}
	got, err := n.cluster.Client.CoreV1().Pods(parts[1]).Get(r.Context(), parts[2], metav1.GetOptions{})
	if err != nil {
		http.NotFound(w, r)
		return
	}
	n.mu.Lock()
	p := n.pods[string(got.UID)]
	n.mu.Unlock()
	if p == nil {
		http.NotFound(w, r)
		return
	}
	follow, _ := strconv.ParseBool(r.URL.Query().Get("follow")) // absent is false
	sent := 0
	for {
		p.mu.Lock()
		log, done := p.log[sent:], p.done
		p.mu.Unlock()
		if _, err := w.Write(log); err != nil {
			return
		}
		sent += len(log)
		w.(http.Flusher).Flush()
		if done && len(log) == 0 || !follow {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-time.After(10 * time.Millisecond):
		}
	}
}
