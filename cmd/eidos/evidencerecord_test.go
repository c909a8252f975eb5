package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/NVIDIA/eidos/cmd/internal/console"
	"github.com/NVIDIA/eidos/cmd/internal/wire"
	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/store"
	"github.com/NVIDIA/eidos/schema"
)

// A file that is replaced at any time while it is verified is never decided as what was
// signed. The environment is looked up all the time: at each look-up in turn the file is
// replaced.
func TestSignedEvidenceIsReplaced(t *testing.T) {
	text := evidenceOf(t, "testdata/script/evidence_verify.txtar")
	t.Chdir(t.TempDir())
	write := func(text []byte) {
		if err := os.WriteFile("evidence.yaml", text, 0o600); err != nil {
			t.Error(err)
		}
	}
	// What is measured there makes a check fail, which is shown if it is decided.
	other := bytes.Replace(text, []byte("availableReplicas: 1"), []byte("availableReplicas: 0"), 1)
	home := t.TempDir()
	// eidos runs a command, replaces the file at the look-up at, and counts look-ups.
	eidos := func(at int, args ...string) (status, n int, out string) {
		var b bytes.Buffer
		a := &app{Console: console.Console{In: strings.NewReader(""), Out: &b, Err: &b, Env: func(k string) (string, bool) {
			if n++; n == at {
				write(other)
			}
			v, ok := map[string]string{"HOME": home, "COSIGN_PASSWORD": "pw"}[k]
			return v, ok
		}}}
		status = a.main(t.Context(), args)
		return status, n, b.String()
	}
	write(text)
	for _, args := range [][]string{{"key", "generate", "-o", "signer"}, {"sign", "evidence.yaml", "--key", "signer.key"}} {
		if status, _, out := eidos(0, args...); status != 0 {
			t.Fatalf("%q: status %d\n%s", args, status, out)
		}
	}
	verify := []string{"evidence", "verify", "evidence.yaml", "--key", "signer.pub"}
	status, n, out := eidos(0, verify...)
	if status != 0 || !strings.Contains(out, "results: 4 follow") {
		t.Fatalf("status %d\n%s", status, out)
	}
	for at := 1; at <= n; at++ {
		write(text)
		if status, _, out := eidos(at, verify...); status != 0 && status != 3 || strings.Contains(out, "op is recorded") {
			t.Errorf("replaced at look-up %d of %d: status %d\n%s", at, n, status, out)
		}
	}
}

// Evidence in a registry is decided again by the digest that is signed: a tag that
// is moved to something else proves nothing.
func TestSignedEvidenceInARegistry(t *testing.T) {
	script, err := filepath.Abs("testdata/script/evidence_verify.txtar")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	home := t.TempDir()
	env := func(k string) (string, bool) {
		v, ok := map[string]string{"HOME": home, "COSIGN_PASSWORD": "pw"}[k]
		return v, ok
	}
	eidos := func(args ...string) (int, string) {
		var out bytes.Buffer
		a := &app{Console: console.Console{In: strings.NewReader(""), Out: &out, Err: &out, Env: env}}
		status := a.main(context.Background(), args)
		return status, out.String()
	}
	must := func(want int, args ...string) string {
		t.Helper()
		status, out := eidos(args...)
		if status != want {
			t.Fatalf("eidos %s: status %d\n%s", strings.Join(args, " "), status, out)
		}
		return out
	}
	push := func(text []byte) {
		t.Helper()
		var e schema.Evidence
		if err := schema.Decode("evidence.yaml", text, &e); err != nil {
			t.Fatal(err)
		}
		a := &app{Console: console.Console{In: strings.NewReader(""), Out: &bytes.Buffer{}, Err: &bytes.Buffer{}, Env: env}}
		w := a.wire(wire.Options{})
		if err := w.Save(context.Background(), engine.Env{Dir: ".", Log: t.Logf, Blobs: store.NewMemory()}, &e, "oci://embedded/gpu/evidence:v1"); err != nil {
			t.Fatal(err)
		}
	}
	text := evidenceOf(t, script)
	if err := os.WriteFile("evidence.yaml", text, 0o600); err != nil {
		t.Fatal(err)
	}
	must(0, "key", "generate", "-o", "signer")
	push(text)
	const ref, predicate = "embedded/gpu/evidence:v1", "https://in-toto.io/attestation/test-result/v0.1"
	must(0, "sign", ref, "--key", "signer.key")
	must(0, "evidence", "show", "oci://"+ref, "--format", "predicate", "-o", "result.json")
	must(0, "attest", ref, "--predicate", "result.json", "--type", predicate, "--key", "signer.key")
	for _, name := range []string{ref, "oci://" + ref} {
		if out := must(0, "evidence", "verify", name, "--key", "signer.pub", "--attestations", predicate); !strings.Contains(out, "results: 4 follow") {
			t.Error(out)
		}
	}
	push(bytes.Replace(text, []byte("availableReplicas: 1"), []byte("availableReplicas: 2"), 1))
	if status, out := eidos("evidence", "verify", ref, "--key", "signer.pub"); status == 0 || strings.Contains(out, "follow") {
		t.Errorf("status %d\n%s", status, out)
	}
}

// evidenceOf returns the evidence that a script verifies.
func evidenceOf(t *testing.T, script string) []byte {
	t.Helper()
	archive, err := txtar.ParseFile(script)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range archive.Files {
		if f.Name == "evidence.yaml" {
			return f.Data
		}
	}
	t.Fatalf("%s has no evidence.yaml", script)
	return nil
}
