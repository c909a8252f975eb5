package kube

import (
	"context"
	"errors"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/plan"
	"github.com/NVIDIA/eidos/engine/run"
	"github.com/NVIDIA/eidos/engine/store"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/tools/kube/kubetest"
)

// What it takes to read a secret is the right to get that one, and nothing
// else will do.
func TestRealSecret(t *testing.T) {
	k := kubetest.New(t)
	for name, data := range map[string]map[string][]byte{
		"registry": {"token": []byte("s3cret-token\n"), "user": []byte("robot"), "bytes": {0xff, 0xfe}, "none": []byte("\n")},
		"other":    {"token": []byte("of somebody else")},
		"hollow":   {},
	} {
		if _, err := k.Client.CoreV1().Secrets(k.Namespace).Create(t.Context(),
			&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name}, Data: data}, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	one := kubetest.Rule("", "secrets", "get")
	one.ResourceNames = []string{"registry"}
	seen := kubetest.Rule("", "configmaps", "get") // tells As that the rules have arrived
	least := k.As(t, one, seen)
	others := kubetest.Rule("", "secrets", "list", "watch", "create", "update", "patch", "delete")
	for _, c := range []struct {
		name, kubeconfig, at string
		want                 string
		code                 schema.Code
		message, hint        string
	}{
		{"the right to get that one", least, "registry/token", "s3cret-token", "", "", ""},
		{"another of its keys", least, "registry/user", "robot", "", "", ""},
		{"another Secret", least, "other/token", "", schema.Unauthorized, "forbidden: get secrets other in namespace " + k.Namespace, "needs the right to get secrets other"},
		{"every right but get", k.As(t, others, seen), "registry/token", "", schema.Unauthorized, "forbidden: get secrets registry", "needs the right to get secrets registry"},
		{"no right", k.As(t, seen), "registry/token", "", schema.Unauthorized, "forbidden: get secrets registry", ""},
		{"no such key", least, "registry/tokn", "", schema.NotFound, `has no key "tokn"`, "its keys are bytes, none, token, user"},
		{"no such Secret", k.Kubeconfig, "missing/token", "", schema.NotFound, `"missing" not found`, ""},
		{"an empty Secret", k.Kubeconfig, "hollow/token", "", schema.NotFound, "hollow holds nothing", ""},
		{"an empty value", least, "registry/none", "", schema.NotFound, "none is empty", ""},
		{"not text", least, "registry/bytes", "", schema.Invalid, "bytes is not text", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := ReadSecret(t.Context(), Config{Kubeconfig: c.kubeconfig}, k.Namespace+"/"+c.at)
			if c.code == "" {
				if err != nil || got != c.want {
					t.Errorf("got %q, %v", got, err)
				}
				return
			}
			var e *schema.Error
			if !errors.As(err, &e) || e.Code != c.code || !strings.Contains(e.Error(), c.message) || !strings.Contains(e.Hint, c.hint) {
				t.Errorf("got %v", err)
			}
			if err != nil && strings.Contains(err.Error()+e.Hint, "s3cret") {
				t.Errorf("the error holds the secret: %v", err)
			}
		})
	}
	t.Run("in a run", func(t *testing.T) { secretRun(t, least, k.Namespace) })
}

type said struct {
	Length int `json:"length"`
}

func (*said) MediaType() string { return "application/vnd.nvidia.eidos.said.v1alpha1+json" }

// secretRun runs a step that says its secret.
func secretRun(t *testing.T, kubeconfig, namespace string) {
	say := engine.Define(engine.Spec{Name: "say", Version: 1}, func(_ context.Context, env engine.Env, _ struct{}, _ struct{}) (*said, error) {
		s, err := env.Secret("token")
		env.Log("the token is %s", s)
		return &said{len(s)}, err
	})
	p := &schema.Pipeline{
		Secrets: map[string]schema.Secret{"token": {Kubernetes: namespace + "/registry/token"}},
		Steps:   map[string]schema.Step{"a": {Uses: "say", Secrets: []string{"token"}}},
	}
	pl, err := plan.Compile(p, nil, []engine.Kind{say}, plan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var log []string
	r := run.Runner{Store: store.NewMemory(), Events: func(e engine.Event) { log = append(log, e.Text) },
		Secret: func(ctx context.Context, s schema.Secret) (string, error) {
			return ReadSecret(ctx, Config{Kubeconfig: kubeconfig}, s.Kubernetes)
		}}
	res, err := r.Run(t.Context(), pl)
	if err != nil {
		t.Fatal(err)
	}
	v, err := res.Value(t.Context(), "a")
	if err != nil || v.(*said).Length != len("s3cret-token") {
		t.Errorf("got %v, %v", v, err)
	}
	if text := strings.Join(log, ""); text != "the token is ***" {
		t.Errorf("said %q", text)
	}
}

func TestSecretThatCannotBe(t *testing.T) {
	for _, at := range []string{"", "a", "a/b", "a/b/", "a/b/c/d", "A/b/c", "a/../c", "../a/b", "a/b c/d"} {
		if _, err := ReadSecret(t.Context(), Config{Kubeconfig: "/nonexistent"}, at); schema.CodeOf(err) != schema.Invalid {
			t.Errorf("%q: got %v", at, err)
		}
	}
}
