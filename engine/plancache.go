package engine

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/NVIDIA/eidos/schema"
)

// maxPlans is how many compiled pipelines are kept.
const maxPlans = 64

// CompileCached is a Compile that is not done again for what was compiled
// before: reading and checking a pipeline of ten thousand steps costs more than
// running it when nothing has changed. dir is that of a store, which need not
// be open, nor be there: what does not compile touches nothing. key names all
// that compile depends on: the text, the parameters, the program. A plan with
// conditions, included files, or parameters that are known only when running is
// compiled each time.
func CompileCached(dir string, key schema.Digest, kinds []Kind, compile func() (*Plan, error)) (*Plan, error) {
	h, err := hexOf(key)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "plans", h)
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
	keepPlan(path, append([]byte(digestOf(data)+"\n"), data...))
	return p, nil
}

func cutSum(data []byte) (schema.Digest, []byte) {
	const n = len("sha256:") + 64
	if len(data) <= n {
		return "", nil
	}
	return schema.Digest(data[:n]), data[n+1:]
}

// keepPlan writes a plan and removes those that are too many. That it cannot
// costs nothing but time.
func keepPlan(path string, data []byte) {
	dir := filepath.Dir(path)
	if makeDir(dir) != nil {
		return
	}
	f, err := os.CreateTemp(dir, "new")
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
	plans, err := os.ReadDir(dir)
	if err != nil || len(plans) <= maxPlans {
		return
	}
	age := func(e os.DirEntry) (t time.Time) {
		if fi, err := e.Info(); err == nil {
			t = fi.ModTime()
		}
		return t
	}
	slices.SortFunc(plans, func(a, b os.DirEntry) int { return age(a).Compare(age(b)) })
	for _, e := range plans[:len(plans)-maxPlans/2] {
		os.Remove(filepath.Join(dir, e.Name()))
	}
}

// decodeNumbers is json.Unmarshal that keeps whole numbers whole.
func decodeNumbers(text string, v any) error {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	return dec.Decode(v)
}

// decoded are the parameters, decoded when they are first needed if the plan
// was read from a file: they were checked when it was compiled.
func (b bound) decoded(k *Kind, at string) (any, error) {
	if b.params != nil {
		return b.params, nil
	}
	if k.params.PkgPath() == ours {
		p := reflect.New(k.params).Interface()
		return p, schema.DecodeCanonical([]byte(b.text), p)
	}
	var with map[string]any
	if err := decodeNumbers(b.text, &with); err != nil {
		return nil, err
	}
	schema.Plain(with)
	return k.DecodeValue(at, with)
}
