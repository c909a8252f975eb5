package keyless_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/internal/blobtest"
	"github.com/NVIDIA/eidos/steps/sign/certified"
	"github.com/NVIDIA/eidos/steps/sign/keyless"
)

// damages calls use with the document as it is with each of its values left out or
// replaced by something else, one at a time.
func damages(t *testing.T, document []byte, use func(what string, damaged []byte)) {
	t.Helper()
	var root any
	if err := json.Unmarshal(document, &root); err != nil {
		t.Fatal(err)
	}
	encode := func(what string) {
		data, err := json.Marshal(root)
		if err != nil {
			t.Fatal(err)
		}
		use(what, data)
	}
	others := []any{nil, "AAAA", 1e15, []any{nil}, map[string]any{}}
	var walk func(path string, v any)
	walk = func(path string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for k, was := range v {
				at := path + "." + k
				delete(v, k)
				encode(at + " is left out")
				for _, o := range others {
					v[k] = o
					encode(fmt.Sprintf("%s is %v", at, o))
				}
				v[k] = was
				walk(at, was)
			}
		case []any:
			for i, was := range v {
				at := fmt.Sprintf("%s[%d]", path, i)
				for _, o := range others {
					v[i] = o
					encode(fmt.Sprintf("%s is %v", at, o))
				}
				v[i] = was
				walk(at, was)
			}
		}
	}
	walk("", root)
}

// A bundle or a trusted root with any one value missing or of another sort is
// refused, or proves what the whole one proves; nothing panics.
func TestDamaged(t *testing.T) {
	o := newOffice(t)
	whole, err := protojson.Marshal(o.signature(who, issuer, text, soon))
	if err != nil {
		t.Fatal(err)
	}
	trusted, err := os.ReadFile(filepath.Join(o.env.Dir, "root.json"))
	if err != nil {
		t.Fatal(err)
	}
	ask := func(what string, b, root []byte) (*certified.Answer, error) {
		defer func() {
			if p := recover(); p != nil {
				t.Errorf("%s: panic: %v", what, p)
			}
		}()
		return keyless.Answer(t.Context(), certified.Request{Verify: &certified.Verify{Bundle: b, TrustedRoot: root}})
	}
	want, err := ask("nothing", whole, trusted)
	if err != nil {
		t.Fatal(err)
	}
	refused := 0
	check := func(what string, b, root []byte) {
		a, err := ask(what, b, root)
		switch {
		case err != nil:
			refused++
			if c := schema.CodeOf(err); c != schema.Unsatisfied && c != schema.Invalid {
				t.Errorf("%s: code %q: %v", what, c, err)
			}
		case a != nil && (a.Identity != want.Identity || a.Issuer != want.Issuer || a.SANType != want.SANType || !bytes.Equal(a.Payload, want.Payload)):
			t.Errorf("%s: proves %+v", what, a)
		}
	}
	damages(t, whole, func(what string, b []byte) { check("bundle"+what, b, trusted) })
	damages(t, trusted, func(what string, root []byte) { check("trusted root"+what, whole, root) })
	if refused < 150 {
		t.Errorf("%d were refused of bundle %s", refused, blobtest.Digest(whole))
	}
}
