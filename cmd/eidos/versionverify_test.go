package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/NVIDIA/eidos/cmd/internal/console"
	"github.com/NVIDIA/eidos/cmd/internal/wire"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/sign"
)

// The running program is proven by the evidence of its release, and by nothing
// that was changed, is of another release or is signed by somebody else.
func TestVersionVerify(t *testing.T) {
	_, program, err := wire.ThisProgram()
	if err != nil {
		t.Fatal(err)
	}
	digest, err := program.Hex()
	if err != nil {
		t.Fatal(err)
	}
	keys := t.TempDir()
	for _, k := range []string{"release.key", "other.key"} {
		if err := sign.GenerateKey(filepath.Join(keys, k), nil); err != nil {
			t.Fatal(err)
		}
	}
	eidos := func(args ...string) (int, string) {
		var out bytes.Buffer
		a := &app{Console: console.Console{In: strings.NewReader(""), Out: &out, Err: &out, Env: func(string) (string, bool) { return "", false }}}
		return a.main(t.Context(), args), out.String()
	}
	// release writes the evidence of a version with a binary of that digest.
	release := func(version, binary string) string {
		t.Helper()
		dir := t.TempDir()
		statement := `{"subject": [{"name": "eidos_x/eidos", "digest": {"sha256": "` + binary + `"}}],
			"predicate": {"buildDefinition": {"externalParameters": {"version": "` + version + `"}}}}`
		sum := sha256.Sum256([]byte(statement))
		for name, text := range map[string]string{"provenance.json": statement, "checksums.txt": hex.EncodeToString(sum[:]) + "  provenance.json\n"} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if status, out := eidos("sign", filepath.Join(dir, "checksums.txt"), "--key", filepath.Join(keys, "release.key")); status != 0 {
			t.Fatalf("sign: %d\n%s", status, out)
		}
		return dir
	}
	change := func(dir, name string) string {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), append(text, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	unsigned := release(versionOf(), digest)
	if err := os.Remove(filepath.Join(unsigned, "checksums.txt.sigstore.json")); err != nil {
		t.Fatal(err)
	}
	other := strings.Repeat("0", 64)
	for name, c := range map[string]struct {
		dir, key string
		status   int
		want     string
	}{
		"the release":          {release(versionOf(), digest), "release.pub", 0, "ok      it is eidos_x/eidos of release " + versionOf()},
		"another binary":       {release(versionOf(), other), "release.pub", 3, "no binary of release " + versionOf() + " has the digest of this one"},
		"another release":      {release("v9.9.9", digest), "release.pub", 3, `the evidence is of release "v9.9.9"`},
		"another signer":       {release(versionOf(), digest), "other.pub", 3, "signed"},
		"a changed provenance": {change(release(versionOf(), digest), "provenance.json"), "release.pub", 3, "is not the file that checksums.txt lists"},
		"a changed list":       {change(release(versionOf(), digest), "checksums.txt"), "release.pub", 3, ""},
		"no signature":         {unsigned, "release.pub", 4, "download checksums.txt"},
		"no evidence":          {t.TempDir(), "release.pub", 4, "download checksums.txt"},
	} {
		status, out := eidos("version", "--verify", c.dir, "--key", filepath.Join(keys, c.key))
		if status != c.status || !strings.Contains(out, c.want) {
			t.Errorf("%s: %d, want %d with %q:\n%s", name, status, c.status, c.want, out)
		}
	}
	// Exchanged after its signature was verified, with a provenance that fits.
	signed := release(versionOf(), other)
	list, err := os.ReadFile(filepath.Join(signed, "checksums.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if name, err := findBinary(release(versionOf(), digest), schema.DigestOf(list), versionOf(), program); schema.CodeOf(err) != schema.Unsatisfied || !strings.Contains(err.Error(), "changed after its signature was verified") {
		t.Errorf("an exchanged list: %q, %v", name, err)
	}
	if status, out := eidos("version", "--key", filepath.Join(keys, "release.pub")); status != 2 || !strings.Contains(out, "--verify") {
		t.Errorf("--key alone: %d\n%s", status, out)
	}
}
