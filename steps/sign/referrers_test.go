package sign_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/internal/blobtest"
	"github.com/NVIDIA/eidos/steps/oci"
)

const (
	sigstore = "application/vnd.dev.sigstore.bundle.v0.3+json"
	pageSize = 100
)

// pages is a registry that lists others before the referrers there are, a page at
// a time.
type pages struct {
	next   http.Handler
	others []map[string]any
	asked  atomic.Int64 // pages
}

func (p *pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !strings.Contains(r.URL.Path, "/referrers/") {
		p.next.ServeHTTP(w, r)
		return
	}
	p.asked.Add(1)
	all := httptest.NewRecorder()
	p.next.ServeHTTP(all, r)
	var index struct {
		Manifests []map[string]any `json:"manifests"`
	}
	if err := json.Unmarshal(all.Body.Bytes(), &index); err != nil {
		panic(err)
	}
	entries := append(p.others[:len(p.others):len(p.others)], index.Manifests...)
	from, _ := strconv.Atoi(r.URL.Query().Get("from"))
	to := min(from+pageSize, len(entries))
	if to < len(entries) {
		w.Header().Set("Link", fmt.Sprintf(`<%s?from=%d>; rel="next"`, r.URL.Path, to))
	}
	w.Header().Set("Content-Type", "application/vnd.oci.image.index.v1+json")
	json.NewEncoder(w).Encode(map[string]any{"schemaVersion": 2, "manifests": entries[from:to]})
}

// listed returns the descriptors of n manifests that are not there.
func listed(n int, artifactType string) []map[string]any {
	var out []map[string]any
	for i := range n {
		d := map[string]any{
			"mediaType": "application/vnd.oci.image.manifest.v1+json", "size": 500,
			"digest": string(blobtest.Digest([]byte(artifactType + strconv.Itoa(i)))),
		}
		if artifactType != "" {
			d["artifactType"] = artifactType
		}
		out = append(out, d)
	}
	return out
}

// A good signature is found whatever else refers to the image, and what could
// not be read is logged.
func TestVerifyAmongReferrers(t *testing.T) {
	for name, tt := range map[string]struct {
		others []map[string]any
		pages  int64
		logged string
	}{
		"alone":                  {nil, 1, ""},
		"10,000 of another type": {listed(10_000, "application/spdx+json"), 101, ""},
		"more than are looked at once one is good": {listed(3000, sigstore), 31, "not there"},
		"one that is not there":                    {listed(1, sigstore), 1, "not there"},
		"without a type":                           {listed(1, ""), 1, "not there"},
		"of an unknown digest":                     {[]map[string]any{{"mediaType": "a/b", "size": 3, "digest": "sha512:00"}}, 1, "sha512:00"},
		"of an impossible size":                    {[]map[string]any{{"artifactType": sigstore, "size": "three", "digest": string(blobtest.Digest(nil))}}, 1, "is not a descriptor"},
	} {
		t.Run(name, func(t *testing.T) {
			w := shared().in(t)
			registry := &pages{next: oci.Handler(t.TempDir())}
			w.serve(registry)
			if _, err := w.sign(nil); err != nil {
				t.Fatal(err)
			}
			log := w.logs()
			registry.others = tt.others
			registry.asked.Store(0)
			v, err := w.verify(nil)
			if err != nil || !v.Verified {
				t.Errorf("verify: %+v, %v", v, err)
			}
			if got := registry.asked.Load(); got != tt.pages {
				t.Errorf("%d pages were read, want %d", got, tt.pages)
			}
			if got := log(); !strings.Contains(got, tt.logged) || (tt.logged == "") != (got == "") {
				t.Errorf("logged %q, want %q", got, tt.logged)
			}
		})
	}
}

// Without a good signature, what could not be read is the error: nobody knows
// whether that was one.
func TestVerifyUnreadable(t *testing.T) {
	for name, n := range map[string]int{"one": 1, "more than are looked at": 10_010} {
		w := shared().in(t)
		w.serve(&pages{next: oci.Handler(t.TempDir()), others: listed(n, sigstore)})
		v, err := w.verify(nil)
		if err == nil || !strings.Contains(err.Error(), "not there") || v != nil && v.Verified {
			t.Errorf("%s: %+v, %v", name, v, err)
		}
		if err != nil && n > 10_000 && !strings.Contains(err.Error(), "10000") {
			t.Errorf("%s: the limit is not named: %v", name, err)
		}
	}
}

// A tag of the legacy format that may not be read does not hide a signature in the
// other one, and nothing is signed as long as it is not known what is there.
func TestVerifyHiddenTag(t *testing.T) {
	w := shared().in(t)
	inner := oci.Handler(t.TempDir())
	var hidden atomic.Bool
	w.serve(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if hidden.Load() && strings.HasSuffix(r.URL.Path, ".sig") {
			rw.WriteHeader(http.StatusForbidden)
			return
		}
		inner.ServeHTTP(rw, r)
	}))
	if _, err := w.sign(nil); err != nil {
		t.Fatal(err)
	}
	hidden.Store(true)
	log := w.logs()
	if v, err := w.verify(nil); err != nil || !v.Verified || !strings.Contains(log(), "denies") {
		t.Errorf("verify: %+v, %v, logged %q", v, err, log())
	}
	if _, err := w.sign(nil); schema.CodeOf(err) != schema.Unauthorized {
		t.Errorf("sign: %v", err)
	}
}

// A registry that breaks is not asked a thousand times.
func TestVerifyBroken(t *testing.T) {
	w := shared().in(t)
	var asked atomic.Int64
	inner := oci.Handler(t.TempDir())
	w.serve(&pages{others: listed(50, sigstore), next: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if asked.Load() > 0 || strings.Contains(r.URL.Path, string(blobtest.Digest([]byte(sigstore+"0")))) {
			asked.Add(1)
		}
		if r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/manifests/") && r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:] != string(w.image.Digest) {
			rw.WriteHeader(http.StatusNotImplemented) // not one that is worth a retry
			return
		}
		inner.ServeHTTP(rw, r)
	})})
	if _, err := w.verify(nil); err == nil {
		t.Error("verified")
	}
	if n := asked.Load(); n > 10 {
		t.Errorf("%d requests to a registry that is broken", n)
	}
}

// A layout with one damaged manifest still proves what it can.
func TestVerifyDamagedLayout(t *testing.T) {
	w := shared().in(t)
	bad, err := w.sign(map[string]any{"attest": true})
	if err != nil {
		t.Fatal(err)
	}
	blob := filepath.Join(repoDir(w), "blobs", "sha256", strings.TrimPrefix(string(bad.Signature), "sha256:"))
	good, err := os.ReadFile(blob)
	if err != nil {
		t.Fatal(err)
	}
	// The attestation is all right; a signature by another manifest is not needed.
	for what, damage := range map[string]func() error{
		"removed":  func() error { return os.Remove(blob) },
		"changed":  func() error { return os.WriteFile(blob, append([]byte(" "), good...), 0o644) },
		"not JSON": func() error { return os.WriteFile(blob, []byte("{"), 0o644) },
	} {
		if err := damage(); err != nil {
			t.Fatal(err)
		}
		log := w.logs()
		v, err := w.verify(map[string]any{"attestations": []any{"https://slsa.dev/provenance/v1"}})
		if v == nil || len(v.Checks) != 2 || !v.Checks[1].Passed || v.Verified || err == nil {
			t.Errorf("%s: %+v, %v; want the attestation to hold", what, v, err)
		}
		if !strings.Contains(log(), strings.TrimPrefix(string(bad.Signature), "sha256:")[:12]) {
			t.Errorf("%s: the damaged manifest is not named: %q", what, log())
		}
	}
}

// serve pushes a bundle to a registry and takes it for the image.
func (w *world) serve(h http.Handler) {
	w.t.Helper()
	srv := httptest.NewServer(h)
	w.t.Cleanup(srv.Close)
	b := blobtest.Bundle(w.env, map[string]string{"a.yaml": "a: 1\n"})
	var err error
	w.image, err = w.opts.OCI.Push(w.t.Context(), w.env, b, schema.PushParams{To: strings.TrimPrefix(srv.URL, "http://") + "/team/x:v1"})
	if err != nil {
		w.t.Fatal(err)
	}
}

// logs starts a log, and returns what reads it.
func (w *world) logs() func() string {
	var lines []string
	w.env.Log = func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	return func() string { return strings.Join(lines, "\n") }
}

// What a bundle's manifest states of it is what the bundle states.
func TestVerifyMetadata(t *testing.T) {
	w := shared().in(t)
	for name, change := range map[string]func(*schema.BundleMetadata){
		"version": func(m *schema.BundleMetadata) { m.Version = "9.9.9" },
		"name":    func(m *schema.BundleMetadata) { m.Name = "other" },
		"recipe":  func(m *schema.BundleMetadata) { m.Recipe = blobtest.Digest([]byte("other")) },
		"notes":   func(m *schema.BundleMetadata) { m.Notes = nil },
		"origin":  func(m *schema.BundleMetadata) { m.Origin = "aicr.run/v1" },
	} {
		b := *blobtest.Bundle(w.env, map[string]string{"a.yaml": "a: 1\n"})
		change(&b.Metadata)
		v, err := run[*schema.Verification](w, w.looks, nil, engine.Inputs{"bundle": {&b}})
		if schema.CodeOf(err) != schema.Unsatisfied || !strings.Contains(err.Error(), "bundle.yaml") || v.Verified {
			t.Errorf("%s: %+v, %v", name, v, err)
		}
	}
}
