package engine

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/NVIDIA/eidos/schema"
)

// CompileCached is a Compile that is not done again for what was compiled
// before: reading and checking a pipeline of ten thousand steps costs more than
// running it when nothing has changed. key names all that compile depends on:
// the text, the parameters, the version of eidos. A plan with conditions,
// included files, or parameters that are known only when running is compiled
// each time.
func CompileCached(s *Directory, key schema.Digest, kinds []Kind, compile func() (*Plan, error)) (*Plan, error) {
	h, err := hexOf(key)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(s.dir, "plans", h)
	if data, err := os.ReadFile(path); err == nil {
		if sum, rest := cutSum(data); sum == digestOf(rest) {
			if p, err := decodePlan(rest, kinds); err == nil {
				return p, nil
			}
		}
	}
	p, err := compile()
	if err != nil || !p.plain() {
		return p, err
	}
	data, err := p.encode()
	if err != nil {
		return p, nil // it is compiled again the next time
	}
	s.keepPlan(path, append([]byte(digestOf(data)+"\n"), data...))
	return p, nil
}

func cutSum(data []byte) (schema.Digest, []byte) {
	const n = len("sha256:") + 64
	if len(data) <= n {
		return "", nil
	}
	return schema.Digest(data[:n]), data[n+1:]
}

// keepPlan writes a plan. That it cannot costs nothing but time.
func (s *Directory) keepPlan(path string, data []byte) {
	if makeDir(filepath.Dir(path)) != nil {
		return
	}
	f, err := os.CreateTemp(filepath.Join(s.dir, "tmp"), "plan")
	if err != nil {
		return
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Chmod(0o600), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
	}
}

// decodeNumbers is json.Unmarshal that keeps whole numbers whole.
func decodeNumbers(text string, v any) error {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	return dec.Decode(v)
}

// decoded are the parameters, decoded when they are first needed if the plan
// was read from a file.
func (b bound) decoded(k *Kind, at string) (any, error) {
	if b.params != nil {
		return b.params, nil
	}
	var with map[string]any
	if err := decodeNumbers(b.text, &with); err != nil {
		return nil, err
	}
	schema.Plain(with)
	return k.DecodeValue(at, with)
}
