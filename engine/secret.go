package engine

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"sync"

	"github.com/NVIDIA/eidos/schema"
)

// maxSecret bounds a secret that is read from a file.
const maxSecret = 1 << 20

// secret reads one secret for n and has it masked from then on.
func (x *run) secret(ctx context.Context, n *node, name string) (string, error) {
	if n.step == nil || !slices.Contains(n.step.secrets, name) {
		return "", schema.Errorf(schema.NotFound, "the step lists no secret %q", name).WithHint("add secrets: [%s] to the step", name)
	}
	s := x.plan.secrets[name]
	value, err := x.readSecret(ctx, s)
	if err != nil {
		return "", fmtSecret(name, err)
	}
	x.mask.add(name, value)
	return value, nil
}

func fmtSecret(name string, err error) error {
	var se *schema.Error
	if errors.As(err, &se) {
		return schema.Errorf(se.Code, "secret %q: %w", name, err).WithHint("%s", se.Hint)
	}
	return schema.Errorf(schema.Failed, "secret %q: %w", name, err)
}

func (x *run) readSecret(ctx context.Context, s schema.Secret) (string, error) {
	switch {
	case s.Env != "":
		v, ok := x.environ(s.Env)
		if !ok || v == "" {
			return "", schema.Errorf(schema.NotFound, "the environment has no %s", s.Env)
		}
		return v, nil
	case s.File != "":
		path := s.File
		if !filepath.IsAbs(path) {
			path = filepath.Join(x.dir, path)
		}
		f, err := os.Open(path)
		if errors.Is(err, os.ErrNotExist) {
			return "", schema.Errorf(schema.NotFound, "no file %q", s.File)
		}
		if err != nil {
			return "", err
		}
		defer f.Close()
		data, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
		if err != nil {
			return "", err
		}
		if len(data) > maxSecret {
			return "", schema.Errorf(schema.Invalid, "%q is over %d MiB", s.File, maxSecret>>20)
		}
		return strings.TrimRight(string(data), "\r\n"), nil
	}
	if x.Secret == nil {
		return "", schema.Errorf(schema.Failed, "Kubernetes secrets cannot be read here")
	}
	return x.Secret(ctx, s)
}

// shortest is the length in bytes below which a line is not masked: hiding
// "on" everywhere would hide nothing and break the rest.
const shortest = 4

// masker hides secrets in text. It is safe for concurrent use.
type masker struct {
	mu    sync.RWMutex
	names []string // of values
	lines []string // what to hide: whole values and each of their lines, longest first
	whole []string // values by the index of their name
}

const masked = "***"

func (m *masker) add(name, value string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if slices.Contains(m.whole, value) {
		return
	}
	m.names, m.whole = append(m.names, name), append(m.whole, value)
	for _, l := range append(strings.Split(value, "\n"), value) {
		if l = strings.TrimSpace(l); len(l) >= shortest && !slices.Contains(m.lines, l) {
			m.lines = append(m.lines, l)
		}
	}
	sort.Slice(m.lines, func(i, j int) bool { return len(m.lines[i]) > len(m.lines[j]) })
}

func (m *masker) text(s string) string {
	m.mu.RLock()
	defer m.mu.RUnlock()
	for _, l := range m.lines {
		s = strings.ReplaceAll(s, l, masked)
	}
	return s
}

// inside names the secret that data holds, "" if none.
func (m *masker) inside(data []byte) string {
	m.mu.RLock()
	defer m.mu.RUnlock()
	for i, v := range m.whole {
		if len(v) < shortest {
			continue
		}
		text, err := schema.Encode(v)
		if err == nil && bytes.Contains(data, bytes.Trim(text, "\"\n")) {
			return m.names[i]
		}
	}
	return ""
}

// error is err with secrets hidden.
func (m *masker) error(err error) error {
	if m.text(err.Error()) == err.Error() {
		return err
	}
	var out []error
	for _, e := range schema.List(err) {
		se := &schema.Error{Code: schema.CodeOf(e), Msg: e.Error()}
		var from *schema.Error
		if errors.As(e, &from) && from.Error() == e.Error() {
			c := *from
			c.Err = nil
			se = &c
		}
		se.Msg, se.Hint = m.text(se.Msg), m.text(se.Hint)
		out = append(out, se)
	}
	return schema.Join(out)
}
