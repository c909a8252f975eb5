package kube

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/NVIDIA/eidos/schema"
)

var stamp = Stamp{Time: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Version: "v1.2.3+dirty"}

func snapshot(entries int, value func(int) string) *schema.Snapshot {
	d := data{}
	for i := range entries {
		d[fmt.Sprintf("key-%06d", i)] = value(i)
	}
	return &schema.Snapshot{
		Kind: "Snapshot", APIVersion: schema.APIVersion,
		Metadata:     schema.SnapshotMetadata{Timestamp: "2026-01-02T03:04:05Z", Version: "test", Source: "n"},
		Measurements: []schema.Measurement{{Type: "OS", Subtypes: []schema.Subtype{{Subtype: "sysctl", Data: d}}}},
	}
}

// store keeps one ConfigMap as the API server would.
func storeIn(t *testing.T) (*configMap, map[string]http.HandlerFunc) {
	kept := &configMap{}
	return kept, map[string]http.HandlerFunc{
		"PATCH /api/v1/namespaces/ns/configmaps/snap": func(w http.ResponseWriter, r *http.Request) {
			q := r.URL.Query()
			if q.Get("fieldManager") != "eidos" || r.Header.Get("Content-Type") != "application/apply-patch+yaml" {
				t.Errorf("not a server-side apply: %s %s", r.URL, r.Header)
			}
			*kept = configMap{}
			if err := json.NewDecoder(r.Body).Decode(kept); err != nil {
				t.Error(err)
			}
			answer(kept)(w, r)
		},
		"GET /api/v1/namespaces/ns/configmaps/snap": func(w http.ResponseWriter, r *http.Request) { answer(kept)(w, r) },
	}
}

func TestConfigMapRoundTrip(t *testing.T) {
	tests := []struct {
		name string
		v    schema.Value
		key  string
	}{
		{"snapshot", snapshot(2, func(int) string { return "v" }), "snapshot.yaml"},
		{"recipe", &schema.RecipeResult{Kind: "RecipeResult"}, "recipe.yaml"},
		{"report", &schema.ValidationResult{Kind: "ValidationResult"}, "report.yaml"},
		{"reference", &schema.Reference{Kind: "Reference"}, "reference.yaml"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			kept, h := storeIn(t)
			_, c := serve(t, h)
			if err := c.WriteConfigMap(t.Context(), "ns", "snap", tt.v, stamp); err != nil {
				t.Fatal(err)
			}
			what, _, _ := strings.Cut(tt.key, ".")
			wantLabels := map[string]string{"app.kubernetes.io/name": "eidos", "app.kubernetes.io/component": what, "app.kubernetes.io/version": "v1.2.3_dirty"}
			if d := cmp.Diff(wantLabels, kept.Metadata.Labels); d != "" {
				t.Error(d)
			}
			if kept.Data["format"] != "yaml" || kept.Data["timestamp"] != "2026-01-02T03:04:05Z" {
				t.Errorf("got %q %q", kept.Data["format"], kept.Data["timestamp"])
			}
			got, err := c.ReadConfigMap(t.Context(), "ns", "snap")
			if err != nil {
				t.Fatal(err)
			}
			want, err := schema.EncodeYAML(tt.v)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), string(got)); d != "" {
				t.Error(d)
			}
		})
	}
}

// A document is kept as text, then compressed, then refused.
func TestConfigMapSizes(t *testing.T) {
	noise := make([]byte, 2<<20)
	_, _ = rand.NewChaCha8([32]byte{}).Read(noise) // never fails
	same := bytes.Repeat([]byte("same "), 400<<10)
	tests := []struct {
		name string
		text []byte
		key  string
	}{
		{"short", noise[:100], "snapshot.yaml"},
		{"as long as text may be", noise[:compressOver], "snapshot.yaml"},
		{"long", same, "snapshot.yaml.gz"},
		{"does not compress, but fits", noise[:compressOver+1], "snapshot.yaml.gz"},
		{"does not fit", noise[:mostData], ""},
		{"far too long", noise, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cm := configMap{Data: map[string]string{"format": "yaml"}}
			err := cm.put("snapshot", tt.text)
			if tt.key == "" {
				if schema.CodeOf(err) != schema.Invalid || !strings.Contains(err.Error(), "too big for a ConfigMap") {
					t.Errorf("got %v", err)
				}
				return
			}
			_, asText := cm.Data[tt.key]
			_, packed := cm.BinaryData[tt.key]
			if err != nil || !asText && !packed {
				t.Errorf("not under %s: %v", tt.key, err)
			}
			if got, err := document(cm); err != nil || !bytes.Equal(got, tt.text) {
				t.Errorf("%d bytes came back, %v", len(got), err)
			}
		})
	}
}

func TestConfigMapErrors(t *testing.T) {
	fieldConflict := func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("force") == "true" {
			answer(configMap{})(w, r)
			return
		}
		answerCode(w, 409, metav1.Status{TypeMeta: metav1.TypeMeta{Kind: "Status"}, Reason: metav1.StatusReasonConflict,
			Message: `Apply failed with 1 conflict: conflict with "kubectl": .data.snapshot.yaml`,
			Details: &metav1.StatusDetails{Causes: []metav1.StatusCause{{Type: metav1.CauseTypeFieldManagerConflict, Field: ".data.snapshot.yaml"}}}})
	}
	owned := func(label string) http.HandlerFunc {
		return answer(configMap{Metadata: objectMeta{Labels: map[string]string{labelName: label}}})
	}
	tests := []struct {
		name, ns string
		h        map[string]http.HandlerFunc
		code     schema.Code
		message  string
	}{
		{"no namespace", "ns", nil, schema.NotFound, `the cluster has no namespace "ns"`},
		{"forbidden", "ns", map[string]http.HandlerFunc{"PATCH /api/v1/namespaces/ns/configmaps/snap": code(403)}, schema.Unauthorized, "forbidden: patch configmaps in namespace ns: Forbidden"},
		{"somebody else's", "ns", map[string]http.HandlerFunc{"PATCH /api/v1/namespaces/ns/configmaps/snap": fieldConflict, "GET /api/v1/namespaces/ns/configmaps/snap": owned("kube-root-ca")},
			schema.Failed, "cm://ns/snap is not eidos's"},
		{"our own, edited", "ns", map[string]http.HandlerFunc{"PATCH /api/v1/namespaces/ns/configmaps/snap": fieldConflict, "GET /api/v1/namespaces/ns/configmaps/snap": owned("eidos")}, "", ""},
		{"bad name", "Ns/..", nil, schema.Invalid, `"Ns/.." is not a namespace's name`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.h == nil {
				tt.h = map[string]http.HandlerFunc{}
			}
			_, c := serve(t, tt.h)
			err := c.WriteConfigMap(t.Context(), tt.ns, "snap", snapshot(1, func(int) string { return "v" }), stamp)
			if schema.CodeOf(err) != tt.code || err != nil && !strings.HasPrefix(err.Error(), tt.message) {
				t.Errorf("got %s: %v", schema.CodeOf(err), err)
			}
		})
	}
}

func TestReadConfigMap(t *testing.T) {
	tests := []struct {
		name    string
		cm      configMap
		want    string
		message string
	}{
		{"upstream's report under snapshot.yaml", configMap{Data: map[string]string{"snapshot.yaml": "kind: ValidationResult\n", "format": "yaml", "timestamp": "x"}}, "kind: ValidationResult\n", ""},
		{"json", configMap{Data: map[string]string{"snapshot.json": "{}", "format": "json"}}, "{}", ""},
		{"none", configMap{Data: map[string]string{"ca.crt": "x"}}, "", "holds no document"},
		{"two", configMap{Data: map[string]string{"a.yaml": "x", "b.yaml": "y"}}, "", "holds several documents: a.yaml, b.yaml"},
		{"not compressed", configMap{BinaryData: map[string][]byte{"snapshot.yaml.gz": []byte("x")}}, "", "snapshot.yaml.gz: "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := document(tt.cm)
			if string(got) != tt.want || (err == nil) != (tt.message == "") || err != nil && !strings.Contains(err.Error(), tt.message) {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
	_, c := serve(t, map[string]http.HandlerFunc{})
	if _, err := c.ReadConfigMap(t.Context(), "ns", "none"); schema.CodeOf(err) != schema.NotFound {
		t.Errorf("got %v", err)
	}
}
