package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/sign"
)

// materials are what every result of a run is made with: the pipeline's text
// and this program, by digest. Attestations name them.
func (a *app) materials() ([]sign.Material, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("finding this program: %w", err)
	}
	f, err := os.Open(exe)
	if err != nil {
		return nil, fmt.Errorf("reading this program: %w", err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return nil, fmt.Errorf("reading this program: %w", err)
	}
	out := []sign.Material{{Name: "eidos " + versionOf(), Digest: schema.Digest("sha256:" + hex.EncodeToString(h.Sum(nil)))}}
	of := a.passOn()[envPipeline]
	if of == "" {
		of, _ = a.lookupEnv(envPipeline)
	}
	if digest, name, ok := strings.Cut(of, " "); ok {
		out = append(out, sign.Material{Name: name, Digest: schema.Digest(digest)})
	}
	return out, nil
}
