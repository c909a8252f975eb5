package wire

import (
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/sign"
)

// materials are what every result of a run is made with: the pipeline's text
// and this program, by digest. Attestations name them.
func (w *Wiring) materials() ([]sign.Material, error) {
	_, digest, err := ThisProgram()
	if err != nil {
		return nil, err
	}
	out := []sign.Material{{Name: "eidos " + w.Version, Digest: digest}}
	of := w.passOn()[envPipeline]
	if of == "" {
		of, _ = w.Env(envPipeline)
	}
	if text, name, ok := strings.Cut(of, " "); ok {
		out = append(out, sign.Material{Name: name, Digest: schema.Digest(text)})
	}
	return out, nil
}

// ThisProgram returns where the running program is, and its digest.
func ThisProgram() (string, schema.Digest, error) {
	exe, err := os.Executable()
	if err != nil {
		return "", "", fmt.Errorf("finding this program: %w", err)
	}
	f, err := os.Open(exe)
	if err != nil {
		return "", "", fmt.Errorf("reading this program: %w", err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", "", fmt.Errorf("reading this program: %w", err)
	}
	return exe, schema.DigestOfSum(h.Sum(nil)), nil
}
