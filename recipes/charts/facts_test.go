package charts

import (
	"bytes"
	"io/fs"
	"os"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/NVIDIA/eidos/recipes/internal/archive"
	"github.com/NVIDIA/eidos/schema"
)

// Every fact file has the one form that facts are written in, its name, and
// passes its definition. EIDOS_UPDATE=1 writes the form.
func TestFiles(t *testing.T) {
	names, err := Builtin().Names()
	if err != nil || len(names) < 37 {
		t.Fatalf("%d charts, %v", len(names), err)
	}
	for _, n := range names {
		name := n + ".json"
		if _, err := os.Stat(name); err != nil {
			name = "older/" + name
		}
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var f schema.ChartFacts
		if err := schema.Decode(n, data, &f); err != nil {
			t.Errorf("%s: %v", n, err)
			continue
		}
		if FileName(f.Name, f.Version) != n+".json" {
			t.Errorf("%s holds the facts of %s %s", n, f.Name, f.Version)
		}
		if _, err := New(&f); err != nil {
			t.Errorf("%s: %v", n, err)
		}
		want, err := Encode(&f)
		if err != nil {
			t.Fatal(err)
		}
		if os.Getenv("EIDOS_UPDATE") != "" {
			if err := os.WriteFile(name, want, 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if !bytes.Equal(data, want) {
			t.Errorf("%s is not in the one form: %s", n, cmp.Diff(string(want), string(data))[:200])
		}
	}
}

// older.zip.zst has the files of the folder, by content: another version may
// compress in other bytes.
func TestOlderArchive(t *testing.T) {
	packed := archive.New(older)
	held, err := fs.Glob(packed, "*")
	if err != nil {
		t.Fatal(err)
	}
	folder := os.DirFS("older")
	names, err := fs.Glob(folder, "*")
	if err != nil || len(names) != len(held) {
		t.Errorf("%d files in the archive, %d in the folder: go generate ./recipes (%v)", len(held), len(names), err)
	}
	for _, name := range names {
		want, err := fs.ReadFile(folder, name)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := fs.ReadFile(packed, name); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not the file of the folder: go generate ./recipes (%v)", name, err)
		}
	}
}

func TestFind(t *testing.T) {
	for _, tt := range []struct{ chart, version, want, source string }{
		{"gpu-operator", "v25.10.1", "v25.10.1", ""},
		{"nvidia/gpu-operator", "v26.7.1", "v26.7.0", ""}, // a patch
		{"kueue", "0.19.3", "0.19.3", "0.19.2"},
		{"nodewright", "v0.17.1", "v0.17.1", "v0.15.1"},
		{"gpu-operator", "v27.1.0", "", ""},
		{"grove-charts", "v0.1.0-alpha.13", "", ""},
		{"no-such-chart", "1.0.0", "", ""},
		{"gpu-operator", "latest", "", ""},
	} {
		c, err := Builtin().Find(tt.chart, tt.version)
		if tt.want == "" {
			if schema.CodeOf(err) != schema.NotFound {
				t.Errorf("%s %s: %v", tt.chart, tt.version, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s %s: %v", tt.chart, tt.version, err)
			continue
		}
		if c.Version != tt.want || c.Source.Version != tt.source {
			t.Errorf("%s %s: version %s, read from %q", tt.chart, tt.version, c.Version, c.Source.Version)
		}
	}
}

func TestCheck(t *testing.T) {
	for _, tt := range []struct {
		chart, version, path string
		value                any
		err, hint            string
	}{
		{"gpu-operator", "v25.10.1", "driver.kernelModuleType", "open", "", ""},
		{"gpu-operator", "v25.10.1", "driver.useOpenKernelModules", true, `chart gpu-operator v25.10.1 does not have the value "driver.useOpenKernelModules": setting it has no effect`, "did you mean driver.kernelModuleType?"},
		{"gpu-operator", "v25.10.1", "driver.maxParallelUpgrades", 5, `chart gpu-operator v25.10.1 does not have the value "driver.maxParallelUpgrades": setting it has no effect`, "did you mean driver.upgradePolicy.maxParallelUpgrades?"},
		{"gpu-operator", "v25.10.1", "drivr.version", "1", `chart gpu-operator v25.10.1 does not have the value "drivr.version": setting it has no effect`, "did you mean driver.version?"},
		{"gpu-operator", "v25.10.1", "daemonsets.nodeSelector", map[string]any{}, `chart gpu-operator v25.10.1 does not have the value "daemonsets.nodeSelector": setting it has no effect`, "did you mean operator.nodeSelector?"},
		{"gpu-operator", "v25.10.1", "driver.enabled", "yes", `"driver.enabled" of chart gpu-operator v25.10.1 is true or false, not text`, ""},
		{"gpu-operator", "v25.10.1", "driver", "yes", `"driver" of chart gpu-operator v25.10.1 is a mapping, not text`, ""},
		{"gpu-operator", "v25.10.1", "daemonsets.labels.team", "a", "", ""},
		{"gpu-operator", "v25.10.1", "operator.nodeSelector.role", "system", "", ""}, // read, without a default
		{"gpu-operator", "v25.10.1", "driver.upgradePolicy.maxUnavailable", nil, "", ""},
		{"kubeflow-trainer", "2.1.0", "jobset.enabled", true, `chart kubeflow-trainer 2.1.0 does not have the value "jobset.enabled": setting it has no effect`, "did you mean jobset.install?"},
		{"k8s-ephemeral-storage-metrics", "1.19.2", "prometheus.release", "x", `chart k8s-ephemeral-storage-metrics 1.19.2 has no template that reads the value "prometheus.release": setting it has no effect`, "take it away."},
	} {
		c, err := Builtin().Find(tt.chart, tt.version)
		if err != nil {
			t.Fatal(err)
		}
		keys, err := SplitPath(tt.path)
		if err != nil {
			t.Fatal(err)
		}
		err = c.Check(keys, tt.value)
		got, hint := "", ""
		if e, ok := err.(*schema.Error); ok {
			got, hint = e.Msg, e.Hint
		}
		if got != tt.err || hint != tt.hint {
			t.Errorf("%s: %s\nhint: %s", tt.path, got, hint)
		}
	}
}

func TestManifests(t *testing.T) {
	c, err := Manifests("own", map[string]string{"a.yaml": `{{- $c := index .Values "own" }}
a: {{ dig "x" "y" "no" $c }}
{{- with get $c "labels" }}{{ toYaml . }}{{ end }}
{{ range get $c "list" | default list }}{{ . }}{{ end }}`})
	if err != nil {
		t.Fatal(err)
	}
	for path, ok := range map[string]bool{"x.y": true, "labels.anything": true, "list": true, "x.z": false, "other": false} {
		keys, err := SplitPath(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Know(keys); (err == nil) != ok {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// TestKeep: a library that keeps decodes a file once, whoever asks and however the
// version is found; what is not there is not kept.
func TestKeep(t *testing.T) {
	l := Builtin().Keep()
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if _, err := l.Find("gpu-operator", "v26.7.0"); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	a, errA := l.Find("gpu-operator", "v26.7.0")
	b, errB := l.Find("nvidia/gpu-operator", "v26.7.9") // another patch
	if errA != nil || errB != nil || a != b {
		t.Errorf("decoded twice, %v, %v", errA, errB)
	}
	kept, err := l.Brief("gpu-operator", "v26.7.0")
	fresh, errFresh := Builtin().Brief("gpu-operator", "v26.7.0")
	if again, _ := l.Brief("gpu-operator", "v26.7.0"); err != nil || errFresh != nil || cmp.Diff(fresh, kept)+cmp.Diff(fresh, again) != "" {
		t.Errorf("%+v, %v, and decoded anew %+v, %v", kept, err, fresh, errFresh)
	}
	if _, err := l.Find("nosuch", "v1.0.0"); schema.CodeOf(err) != schema.NotFound || len(l.kept.charts) != 1 {
		t.Errorf("%v, %d charts are kept", err, len(l.kept.charts))
	}
}
