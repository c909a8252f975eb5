package sign_test

import (
	"testing"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/internal/blobtest"
	"github.com/NVIDIA/eidos/steps/oci"
	"github.com/NVIDIA/eidos/steps/sign"
)

// A registry that answers with anything but the content of a digest proves
// nothing.
func TestLiar(t *testing.T) {
	w := shared().in(t)
	liar, host := blobtest.NewLiar(t, oci.Handler(t.TempDir()))
	w.signs, w.looks = sign.Kind(w.opts), sign.VerifyKind(w.opts)
	for _, format := range []string{"bundle", "legacy"} {
		b := blobtest.Bundle(w.env, map[string]string{"format.txt": format})
		var err error
		if w.image, err = w.opts.OCI.Push(t.Context(), w.env, b, schema.PushParams{To: host + "/x:v1"}); err != nil {
			t.Fatal(err)
		}
		sig, err := w.sign(map[string]any{"format": format})
		if err != nil {
			t.Fatal(err)
		}
		verify := func(t *testing.T) error {
			w := *w
			w.t = t
			v, err := w.verify(nil)
			if err != nil && v != nil && v.Verified {
				t.Errorf("verified beside %v", err)
			}
			return err
		}
		same := func(t *testing.T) error {
			w := *w
			w.t = t
			_, err := run[*schema.Verification](&w, w.looks, nil, engine.Inputs{"image": {w.image}, "bundle": {b}})
			return err
		}
		for name, path := range map[string]string{
			"subject": string(w.image.Digest), "signature": string(sig.Signature),
			"envelope": sign.FirstLayer(t, w.opts, w.env, w.image, sig.Signature),
		} {
			t.Run(format+"/"+name, func(t *testing.T) { liar.Each(t, path, verify) })
		}
		t.Run(format+"/same content", func(t *testing.T) { liar.Each(t, string(w.image.Digest), same) })
	}
}
