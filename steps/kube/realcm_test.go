package kube

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/tools/kube/kubetest"
)

func small(text string) *schema.Snapshot { return snapshot(1, func(int) string { return text }) }

// random is a snapshot that does not compress below about n bytes.
func random(n int) *schema.Snapshot {
	r := rand.NewChaCha8([32]byte{})
	return snapshot(n/1500, func(int) string {
		b := make([]byte, 1500)
		_, _ = r.Read(b) // never fails
		return base64.StdEncoding.EncodeToString(b)
	})
}

// A document goes from plain to compressed and back under one name, and what
// it left behind goes away.
func TestRealConfigMap(t *testing.T) {
	k := kubetest.New(t)
	c := client(t, k.Kubeconfig)
	for _, step := range []struct {
		name string
		v    *schema.Snapshot
		keys string
	}{
		{"create", small("a"), "format snapshot.yaml timestamp"},
		{"change", small("b"), "format snapshot.yaml timestamp"},
		{"compressed", snapshot(1000, func(int) string { return strings.Repeat("same ", 200) }), "format timestamp snapshot.yaml.gz"},
		{"compressed, close to the limit", random(940 << 10), "format timestamp snapshot.yaml.gz"},
		{"plain again", small("c"), "format snapshot.yaml timestamp"},
	} {
		t.Run(step.name, func(t *testing.T) {
			if err := c.WriteConfigMap(t.Context(), k.Namespace, "snap", step.v, stamp); err != nil {
				t.Fatal(err)
			}
			got, err := c.ReadConfigMap(t.Context(), k.Namespace, "snap")
			if err != nil {
				t.Fatal(err)
			}
			want, err := schema.EncodeYAML(step.v)
			if err != nil || string(got) != string(want) {
				t.Errorf("read %d bytes that are not the %d written, %v", len(got), len(want), err)
			}
			cm, err := k.Client.CoreV1().ConfigMaps(k.Namespace).Get(t.Context(), "snap", metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			var keys []string
			for _, key := range []string{"format", "snapshot.yaml", "timestamp"} {
				if _, ok := cm.Data[key]; ok {
					keys = append(keys, key)
				}
			}
			for key := range cm.BinaryData {
				keys = append(keys, key)
			}
			if d := cmp.Diff(step.keys, strings.Join(keys, " ")); d != "" {
				t.Error(d)
			}
			if m := cm.ManagedFields[0]; m.Manager != "eidos" || m.Operation != metav1.ManagedFieldsOperationApply {
				t.Errorf("managed by %s, %s", m.Manager, m.Operation)
			}
		})
	}
}

func TestRealConfigMapRefusals(t *testing.T) {
	k := kubetest.New(t)
	admin := client(t, k.Kubeconfig)
	t.Run("no namespace", func(t *testing.T) {
		err := admin.WriteConfigMap(t.Context(), "not-there", "snap", small("a"), stamp)
		if schema.CodeOf(err) != schema.NotFound || !strings.Contains(err.Error(), `no namespace "not-there"`) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("not there", func(t *testing.T) {
		if _, err := admin.ReadConfigMap(t.Context(), k.Namespace, "none"); schema.CodeOf(err) != schema.NotFound {
			t.Errorf("got %v", err)
		}
	})
	t.Run("forbidden", func(t *testing.T) {
		c := client(t, k.As(t, kubetest.Rule("", "configmaps", "get")))
		err := c.WriteConfigMap(t.Context(), k.Namespace, "snap", small("a"), stamp)
		if schema.CodeOf(err) != schema.Unauthorized || !strings.Contains(err.Error(), "forbidden: patch configmaps in namespace "+k.Namespace) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("create without the right to create", func(t *testing.T) {
		c := client(t, k.As(t, kubetest.Rule("", "configmaps", "get", "patch")))
		if err := c.WriteConfigMap(t.Context(), k.Namespace, "new", small("a"), stamp); schema.CodeOf(err) != schema.Unauthorized {
			t.Errorf("got %v", err)
		}
	})
	t.Run("somebody else's", func(t *testing.T) {
		_, err := k.Client.CoreV1().ConfigMaps(k.Namespace).Create(t.Context(), &corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{Name: "theirs"}, Data: map[string]string{"snapshot.yaml": "precious"},
		}, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		err = admin.WriteConfigMap(t.Context(), k.Namespace, "theirs", small("a"), stamp)
		var e *schema.Error
		if !errors.As(err, &e) || !strings.Contains(e.Error(), "is not eidos's") || e.Hint == "" {
			t.Errorf("got %v", err)
		}
		if got, err := admin.ReadConfigMap(t.Context(), k.Namespace, "theirs"); string(got) != "precious" {
			t.Errorf("now holds %q, %v", got, err)
		}
	})
	t.Run("our own, edited by hand", func(t *testing.T) {
		if err := admin.WriteConfigMap(t.Context(), k.Namespace, "ours", small("a"), stamp); err != nil {
			t.Fatal(err)
		}
		cm, err := k.Client.CoreV1().ConfigMaps(k.Namespace).Get(t.Context(), "ours", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		cm.Data["snapshot.yaml"] = "edited"
		if _, err := k.Client.CoreV1().ConfigMaps(k.Namespace).Update(t.Context(), cm, metav1.UpdateOptions{FieldManager: "kubectl-edit"}); err != nil {
			t.Fatal(err)
		}
		if err := admin.WriteConfigMap(t.Context(), k.Namespace, "ours", small("b"), stamp); err != nil {
			t.Error(err)
		}
	})
	t.Run("too big", func(t *testing.T) {
		err := admin.WriteConfigMap(t.Context(), k.Namespace, "big", random(1300<<10), stamp)
		if schema.CodeOf(err) != schema.Invalid {
			t.Errorf("got %v", err)
		}
		if _, err := admin.ReadConfigMap(t.Context(), k.Namespace, "big"); schema.CodeOf(err) != schema.NotFound {
			t.Errorf("something was written: %v", err)
		}
	})
}

// Two hundred writers at once, each with a client of its own as two hundred
// agents have: to a ConfigMap each, and all to one. What was acknowledged is
// there; the one that all wrote holds one of the documents, whole.
func TestRealConfigMapWriters(t *testing.T) {
	const writers = 200
	k := kubetest.New(t)
	write := func(ctx context.Context, name string, i int) error {
		c, err := Connect(Config{Kubeconfig: k.Kubeconfig})
		if err != nil {
			return err
		}
		defer c.Close()
		c.retries.Limit, c.retries.Stall = time.Hour, time.Hour // however busy this machine is
		return c.WriteConfigMap(ctx, k.Namespace, name, small(fmt.Sprintf("writer %d", i)), stamp)
	}
	var g errgroup.Group
	for i := range writers {
		g.Go(func() error { return write(t.Context(), fmt.Sprintf("own-%d", i), i) })
		g.Go(func() error { return write(t.Context(), "shared", i) })
	}
	if err := g.Wait(); err != nil {
		t.Error(err)
	}
	c := client(t, k.Kubeconfig)
	read := func(name string) string {
		got, err := c.ReadConfigMap(t.Context(), k.Namespace, name)
		if err != nil {
			t.Error(err)
		}
		var s schema.Snapshot
		if err := schema.Decode(name, got, &s); err != nil {
			t.Error(err)
			return ""
		}
		text, _ := s.Measurements[0].Subtypes[0].Data["key-000000"].(string)
		return text
	}
	for i := range writers {
		if got, want := read(fmt.Sprintf("own-%d", i)), fmt.Sprintf("writer %d", i); got != want {
			t.Errorf("own-%d holds %q", i, got)
		}
	}
	if got := read("shared"); !strings.HasPrefix(got, "writer ") {
		t.Errorf("shared holds %q", got)
	}
}
