package inspect

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/NVIDIA/eidos/schema"
)

// Limits of one rendering.
const (
	maxOutput = 64 << 20 // bytes
	maxTime   = time.Minute
)

// kubeVersion is what charts are rendered for.
const kubeVersion = "1.35.0"

// release is the name that charts are rendered under: facts name objects by it.
// Charts leave it out of names that their own name is in.
func release(c *chart) string { return c.meta.Name }

// helm renders charts with the stock program.
type helm struct {
	program string
	dir     string // of the program's own, and of the chart
	chart   string
	release string
}

// newHelm writes the chart where helm finds it. close takes it away.
func newHelm(program string, c *chart, files map[string][]byte) (h *helm, closing func(), err error) {
	dir, err := os.MkdirTemp("", "eidos-inspect-")
	if err != nil {
		return nil, nil, schema.Errorf(schema.Failed, "unpacking the chart: %w", err)
	}
	h = &helm{program: program, dir: dir, chart: filepath.Join(dir, "chart"), release: release(c)}
	for name, data := range files {
		if name == "Chart.yaml" {
			if data, err = withoutMissing(c, data); err != nil {
				return nil, nil, errors.Join(err, os.RemoveAll(dir))
			}
		}
		to := filepath.Join(h.chart, filepath.FromSlash(name))
		err := os.MkdirAll(filepath.Dir(to), 0o700)
		if err == nil {
			err = os.WriteFile(to, data, 0o600)
		}
		if err != nil {
			return nil, nil, schema.Errorf(schema.Failed, "unpacking the chart: %w", errors.Join(err, os.RemoveAll(dir)))
		}
	}
	return h, func() { _ = os.RemoveAll(dir) }, nil
}

// withoutMissing is Chart.yaml without the dependencies that are not at hand:
// helm renders nothing of a chart that lacks one.
func withoutMissing(c *chart, data []byte) ([]byte, error) {
	var all map[string]any
	if err := yaml.Unmarshal(data, &all); err != nil {
		return nil, schema.Errorf(schema.Invalid, "reading Chart.yaml: %w", err)
	}
	list, _ := all["dependencies"].([]any)
	var kept []any
	for _, d := range list {
		if slices.ContainsFunc(c.subs, func(s *chart) bool { return s.meta.Name == text(d, "name") }) {
			kept = append(kept, d)
		}
	}
	if len(kept) == len(list) {
		return data, nil
	}
	all["dependencies"] = kept
	return yaml.Marshal(all)
}

// object is one rendered Kubernetes object.
type object = map[string]any

// render returns the objects that the chart makes with values.
func (h *helm) render(ctx context.Context, values map[string]any) ([]object, error) {
	data, err := schema.EncodeYAML(values)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithTimeout(ctx, maxTime)
	defer stop()
	cmd := exec.CommandContext(ctx, h.program, "template", h.release, h.chart, "--namespace", h.release, "--kube-version", kubeVersion, "--skip-tests", "--values", "-")
	cmd.Dir = h.dir
	cmd.Env = []string{"HOME=" + h.dir, "HELM_CACHE_HOME=" + h.dir, "HELM_CONFIG_HOME=" + h.dir, "HELM_DATA_HOME=" + h.dir, "PATH=" + os.Getenv("PATH")}
	cmd.Stdin = bytes.NewReader(data)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		if errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
			return nil, schema.Errorf(schema.NotFound, "the helm program %q, by which charts are rendered, cannot be run: %v", h.program, errors.Unwrap(err))
		}
		code := schema.Failed
		if _, ok := errors.AsType[*exec.ExitError](err); ok && ctx.Err() == nil {
			code = schema.Invalid // the chart is wrong, or needs values to be rendered
		}
		return nil, schema.Errorf(code, "rendering the chart: %s", firstLine(errs.String(), err))
	}
	if out.Len() > maxOutput {
		return nil, schema.Errorf(schema.Invalid, "rendering the chart: it makes more than %d MiB", maxOutput>>20)
	}
	var objects []object
	dec := yaml.NewDecoder(&out)
	for {
		var n yaml.Node
		err := dec.Decode(&n)
		if errors.Is(err, io.EOF) {
			return objects, nil
		}
		if err != nil {
			return nil, schema.Errorf(schema.Failed, "reading what the chart makes: %w", err)
		}
		if o, ok := plain(&n).(map[string]any); ok && text(o, "kind") != "" {
			objects = append(objects, o)
		}
	}
}

// plain is the value of a node. A key that is there twice has the last value, as
// for Helm and Kubernetes.
func plain(n *yaml.Node) any {
	switch n.Kind {
	case yaml.DocumentNode:
		if len(n.Content) > 0 {
			return plain(n.Content[0])
		}
	case yaml.AliasNode:
		return plain(n.Alias)
	case yaml.SequenceNode:
		out := make([]any, len(n.Content))
		for i, e := range n.Content {
			out[i] = plain(e)
		}
		return out
	case yaml.MappingNode:
		out := map[string]any{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			out[n.Content[i].Value] = plain(n.Content[i+1])
		}
		return out
	case yaml.ScalarNode:
		var v any
		if err := n.Decode(&v); err == nil {
			return v
		}
		return n.Value
	}
	return nil
}

func firstLine(s string, err error) string {
	for _, l := range strings.Split(s, "\n") {
		if l = strings.TrimSpace(l); strings.HasPrefix(l, "Error:") {
			return strings.TrimPrefix(l, "Error: ")
		}
	}
	return err.Error()
}

// field is the value at keys below v.
func field(v any, keys ...string) any {
	for _, k := range keys {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[k]
	}
	return v
}

func text(v any, keys ...string) string {
	s, _ := field(v, keys...).(string)
	return s
}

// podSpec is the Pod specification of a workload, nil for anything else.
func podSpec(o object) map[string]any {
	keys := map[string][]string{
		"Pod": {"spec"}, "CronJob": {"spec", "jobTemplate", "spec", "template", "spec"},
		"Deployment": {"spec", "template", "spec"}, "DaemonSet": {"spec", "template", "spec"}, "StatefulSet": {"spec", "template", "spec"},
		"ReplicaSet": {"spec", "template", "spec"}, "Job": {"spec", "template", "spec"},
	}[text(o, "kind")]
	if keys == nil {
		return nil
	}
	s, _ := field(o, keys...).(map[string]any)
	return s
}

// id names an object among those of a rendering.
func id(o object) string {
	return text(o, "apiVersion") + "/" + text(o, "kind") + "/" + text(o, "metadata", "name")
}
