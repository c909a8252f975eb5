package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/collect"
)

// api is a server that speaks as much of the API as a test needs: paths to
// answers, and what it was asked. Tests of whole behaviours use a real API
// server; this one is for answers that a real one gives only in bad times.
type api struct {
	mu      sync.Mutex
	calls   []string
	handler map[string]http.HandlerFunc // method and path
}

func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	key := r.Method + " " + r.URL.Path
	a.mu.Lock()
	a.calls = append(a.calls, key)
	h := a.handler[key]
	a.mu.Unlock()
	if h == nil {
		status(w, 404, metav1.StatusReasonNotFound, "the server could not find the requested resource")
		return
	}
	h(w, r)
}

func (a *api) count(prefix string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	n := 0
	for _, c := range a.calls {
		if strings.HasPrefix(c, prefix) {
			n++
		}
	}
	return n
}

// serve starts an api and a client of it that does not wait long.
func serve(t *testing.T, handler map[string]http.HandlerFunc) (*api, *Client) {
	t.Helper()
	a := &api{handler: handler}
	if handler["GET /version"] == nil {
		handler["GET /version"] = answer(map[string]string{"gitVersion": "v1.33.5-eks-3025e55", "platform": "linux/amd64", "goVersion": "go1.24.6"})
	}
	s := httptest.NewServer(a)
	t.Cleanup(s.Close)
	c, err := newClient(&rest.Config{Host: s.URL}, "")
	if err != nil {
		t.Fatal(err)
	}
	c.retries.Pause = time.Millisecond
	return a, c
}

func answer(v any) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(v)
	}
}

func status(w http.ResponseWriter, code int, reason metav1.StatusReason, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(metav1.Status{TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: "Failure", Code: int32(code), Reason: reason, Message: message})
}

// pods answers with pages of two Pods, in protobuf if it is asked for, and JSON
// else.
func pods(all []corev1.Pod) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		at, _ := strconv.Atoi(r.URL.Query().Get("continue"))
		end := min(at+2, len(all))
		l := corev1.PodList{TypeMeta: metav1.TypeMeta{Kind: "PodList", APIVersion: "v1"}, Items: all[at:end]}
		if end < len(all) {
			l.Continue = strconv.Itoa(end)
		}
		if !strings.Contains(r.Header.Get("Accept"), protoType) {
			answer(l)(w, r)
			return
		}
		w.Header().Set("Content-Type", protoType)
		_, _ = w.Write(envelope(&l))
	}
}

func envelope(m interface{ Marshal() ([]byte, error) }) []byte {
	raw, err := m.Marshal()
	if err != nil {
		panic(err)
	}
	u := runtime.Unknown{Raw: raw, ContentType: protoType}
	data, err := u.Marshal()
	if err != nil {
		panic(err)
	}
	return append([]byte("k8s\x00"), data...)
}

func pod(init string, images ...string) corev1.Pod {
	p := corev1.Pod{}
	if init != "" {
		p.Spec.InitContainers = []corev1.Container{{Name: "i", Image: init}}
		p.Spec.EphemeralContainers = []corev1.EphemeralContainer{{EphemeralContainerCommon: corev1.EphemeralContainerCommon{Name: "e", Image: "busybox"}}}
	}
	for i, im := range images {
		p.Spec.Containers = append(p.Spec.Containers, corev1.Container{Name: fmt.Sprint(i), Image: im})
	}
	return p
}

// collected runs the collectors of the cluster that c talks to.
func collected(t *testing.T, c *Client, node Node, p schema.CollectParams) (*schema.Snapshot, error) {
	t.Helper()
	return collect.Run(t.Context(), p, collect.Options{
		Version: "test",
		Now:     func() time.Time { return time.Unix(0, 0) },
		Host:    func() (string, error) { return "host", nil },
		Sources: []collect.Source{{Collectors: []schema.Collector{"k8s", "topology"},
			Open: func(ctx context.Context, p schema.CollectParams, want []schema.Collector) ([]collect.Part, func(), error) {
				parts, err := c.parts(ctx, p, node, want)
				return parts, nil, err
			}}},
	})
}

// subtype returns the data of one subtype of s.
func subtype(s *schema.Snapshot, name string) map[string]schema.Scalar {
	for _, m := range s.Measurements {
		for _, sub := range m.Subtypes {
			if sub.Subtype == name {
				return sub.Data
			}
		}
	}
	return nil
}
