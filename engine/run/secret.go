package run

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/NVIDIA/eidos/engine/plan"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/userfile"
)

// maxSecret bounds a secret that is read from a file.
const maxSecret = 1 << 20

// secret reads one secret for n and has it masked from then on, for all steps of the
// run. It is read anew for each attempt: a token may have been renewed. Only steps that
// list it get it, so the plan shows who sees what.
func (w *worker) secret(ctx context.Context, n *plan.Node, name string) (string, error) {
	if n.Step == nil || !slices.Contains(n.Step.Secrets, name) {
		return "", schema.Errorf(schema.NotFound, "the step lists no secret %q", name).WithHint("add secrets: [%s] to the step", name)
	}
	s := w.plan.Secrets[name]
	value, err := w.readSecret(ctx, s)
	if err != nil {
		return "", fmtSecret(name, err)
	}
	w.mask.Add(name, value)
	return value, nil
}

// fmtSecret names the secret in an error, never its value.
func fmtSecret(name string, err error) error {
	var se *schema.Error
	if errors.As(err, &se) {
		return schema.Errorf(se.Code, "secret %q: %w", name, err).WithHint("%s", se.Hint)
	}
	return schema.Errorf(schema.Failed, "secret %q: %w", name, err)
}

// readSecret reads a secret from one of its three sources. Line ends after it are cut:
// editors add them, and no token has one. An empty variable counts as missing.
func (w *worker) readSecret(ctx context.Context, s schema.Secret) (string, error) {
	switch {
	case s.Env != "":
		v, _ := w.environ(s.Env)
		if v = strings.TrimRight(v, "\r\n"); v == "" {
			return "", schema.Errorf(schema.NotFound, "the environment has no %s", s.Env)
		}
		return v, nil
	case s.File != "":
		path := s.File
		if !filepath.IsAbs(path) {
			path = filepath.Join(w.dir, path)
		}
		f, err := userfile.OpenDocument(path)
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
	if w.Secret == nil {
		return "", schema.Errorf(schema.Failed, "Kubernetes secrets cannot be read here")
	}
	return w.Secret(ctx, s)
}
