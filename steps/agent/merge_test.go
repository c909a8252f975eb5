package agent

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/kube"
)

func nodeSnapshot(name, driver, kernel string, more ...schema.Measurement) *schema.Snapshot {
	return &schema.Snapshot{
		Kind: "Snapshot", APIVersion: schema.APIVersion, Metadata: schema.SnapshotMetadata{Source: name},
		Measurements: append([]schema.Measurement{
			{Type: "GPU", Subtypes: []schema.Subtype{{Subtype: "smi", Data: map[string]schema.Scalar{"driver": driver, "gpu-count": int64(8)}}}},
			{Type: "GPU", Subtypes: []schema.Subtype{{Subtype: "device", Data: map[string]schema.Scalar{"0.uuid": "GPU-" + name, "0.model": "H100"}}}},
			{Type: "K8s", Subtypes: []schema.Subtype{{Subtype: "node", Data: map[string]schema.Scalar{"kernel-version": kernel, "provider-id": name}}}},
		}, more...),
		Collectors: []schema.CollectorStatus{{Name: "gpu", Status: "ok"}, {Name: "systemd", Status: "absent", Reason: "no system bus"}},
	}
}

func mergeOptions(s *story) Options {
	return Options{Version: "test", Log: s.add, Now: func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }}
}

func TestMerge(t *testing.T) {
	server := schema.Measurement{Type: "K8s", Subtypes: []schema.Subtype{{Subtype: "server", Data: map[string]schema.Scalar{"version": "v1.33.5"}}}}
	odd := schema.Measurement{Type: "OS", Subtypes: []schema.Subtype{{Subtype: "kmod", Data: map[string]schema.Scalar{"nouveau": true}}}}
	var log story
	broken := nodeSnapshot("c", "570.86.15", "6.8")
	broken.Collectors[0] = schema.CollectorStatus{Name: "gpu", Status: "failed", Reason: "driver wedged"}
	s, err := merge([]result{
		{node: "c", snapshot: broken},
		{node: "a", snapshot: nodeSnapshot("a", "570.86.15", "6.8")},
		{node: "b", snapshot: nodeSnapshot("b", "565.57.01", "6.8", odd)},
	}, fleet{
		nodes: []kube.GPUNode{{Name: "a"}, {Name: "b"}, {Name: "c"}},
		names: []schema.Collector{"k8s"}, cluster: result{snapshot: nodeSnapshot("b", "0", "0", server)},
	}, false, mergeOptions(&log))
	if err != nil {
		t.Fatal(err)
	}
	text, err := schema.EncodeYAML(s)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "merged.yaml", text)
	want := []string{
		"differs: GPU.smi.driver: 570.86.15 on a, c; 565.57.01 on b",
		"differs: OS.kmod.nouveau: (absent) on a, c; true on b",
	}
	if d := cmp.Diff(want, log.lines); d != "" {
		t.Error(d)
	}
	if err := schema.Decode("merged.yaml", text, &schema.Snapshot{}); err != nil {
		t.Error(err)
	}
}

func TestMergeFailedNodes(t *testing.T) {
	results := []result{
		{node: "a", snapshot: nodeSnapshot("a", "1", "1")},
		{node: "b", err: errors.New("node b is down")},
	}
	var log story
	if _, err := merge(results, fleet{}, false, mergeOptions(&log)); err == nil || err.Error() != "node b is down" {
		t.Errorf("got %v", err)
	}
	s, err := merge(results, fleet{}, true, mergeOptions(&log))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(schema.CollectorStatus{Name: "agent", Status: "failed", Reason: "node b is down"}, s.Collectors[0]); d != "" {
		t.Error(d)
	}
	if _, err := merge(results[1:], fleet{}, true, mergeOptions(&log)); err == nil {
		t.Error("no node at all is no snapshot")
	}
}

// Nobody could read what concerns the cluster: an error, or with best effort a
// failure of each collector that should have.
func TestMergeWithoutCluster(t *testing.T) {
	results := []result{{node: "a", snapshot: nodeSnapshot("a", "1", "1")}}
	f := fleet{names: []schema.Collector{"k8s", "topology"}, cluster: result{err: schema.Errorf(schema.Timeout, "no time")}}
	var log story
	if _, err := merge(results, f, false, mergeOptions(&log)); schema.CodeOf(err) != schema.Timeout || err.Error() != "reading what concerns the whole cluster: no time" {
		t.Errorf("got %v", err)
	}
	s, err := merge(results, f, true, mergeOptions(&log))
	if err != nil {
		t.Fatal(err)
	}
	want := []schema.CollectorStatus{
		{Name: "gpu", Status: "ok"},
		{Name: "k8s", Status: "failed", Reason: "reading what concerns the whole cluster: no time"},
		{Name: "systemd", Status: "absent", Reason: "no system bus"},
		{Name: "topology", Status: "failed", Reason: "reading what concerns the whole cluster: no time"},
	}
	if d := cmp.Diff(want, s.Collectors); d != "" {
		t.Error(d)
	}
}

// A node that took two Pods of one Job counts once, and the one that got none
// is left for the next Job.
func TestVisited(t *testing.T) {
	nodes := []kube.GPUNode{{Name: "a"}, {Name: "b"}, {Name: "c"}}
	fresh, left := visited(nodes, []result{{node: "a"}, {node: "c"}, {node: "a"}})
	if len(fresh) != 2 || len(left) != 1 || left[0].Name != "b" {
		t.Errorf("fresh %v, left %v", fresh, left)
	}
}

func TestEnvelope(t *testing.T) {
	var out bytes.Buffer
	text := "kind: Snapshot\ndata: |\n  # not the end\n"
	if err := writeEnvelope(&out, []byte(text)); err != nil {
		t.Fatal(err)
	}
	read := func(log string) (envelope, []string) {
		var e envelope
		var story []string
		for line := range strings.Lines(log) {
			if e.line(strings.TrimSuffix(line, "\n")) {
				story = append(story, strings.TrimSuffix(line, "\n"))
			}
		}
		return e, story
	}
	e, story := read("before\n" + out.String() + "error: after\n")
	got, err := e.document()
	if err != nil || string(got) != text {
		t.Errorf("%q, %v", got, err)
	}
	if d := cmp.Diff([]string{"before", "error: after"}, story); d != "" {
		t.Error(d)
	}
	for name, log := range map[string]string{
		"cut":     out.String()[:out.Len()-8],
		"mixed":   strings.Replace(out.String(), "data", "a line of another stream\ndata", 1),
		"changed": strings.Replace(out.String(), "Snapshot", "Snapshop", 1),
	} {
		e, _ := read(log)
		if got, err := e.document(); err == nil || got != nil {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	e, _ = read("nothing here\n")
	if got, err := e.document(); got != nil || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}

func FuzzEnvelope(f *testing.F) {
	f.Add("# eidos snapshot sha256:00\nkind: x\n# end of eidos snapshot\n")
	f.Fuzz(func(t *testing.T, log string) {
		var e envelope
		for line := range strings.Lines(log) {
			e.line(line)
		}
		if text, err := e.document(); err != nil && text != nil {
			t.Errorf("a document beside %v", err)
		}
	})
}
