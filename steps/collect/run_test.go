package collect

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/NVIDIA/eidos/schema"
)

// source is a source of one collector whose parts give what the map says: an
// error, or a reading.
func source(c schema.Collector, open error, parts map[string]any) Source {
	return Source{Collectors: []schema.Collector{c}, Open: func(context.Context, schema.CollectParams, []schema.Collector) ([]Part, func(), error) {
		if open != nil {
			return nil, nil, open
		}
		var out []Part
		for name, v := range parts {
			out = append(out, Part{c, name, "K8s", func(context.Context) (Reading, error) {
				switch v := v.(type) {
				case error:
					return Reading{}, v
				case Reading:
					return v, nil
				}
				return one(name, data{"k": v}), nil
			}})
		}
		return out, nil, nil
	}}
}

func options(sources ...Source) Options {
	return Options{
		Version: "v0.0.0-test",
		Now:     func() time.Time { return time.Date(2026, 1, 2, 19, 1, 13, 0, time.FixedZone("", 3600)) },
		Host:    func() (string, error) { return "node-1", nil },
		Sources: sources,
	}
}

func TestRun(t *testing.T) {
	s, err := Run(t.Context(), schema.CollectParams{}, options(
		source("topology", nil, map[string]any{"": 1}),
		source("gpu", Absent("no driver"), nil),
		source("k8s", nil, map[string]any{"server": "b", "image": "a", "release": Absent("forbidden: list secrets")}),
	))
	if err != nil {
		t.Fatal(err)
	}
	want := &schema.Snapshot{
		Kind: "Snapshot", APIVersion: schema.APIVersion,
		Metadata: schema.SnapshotMetadata{Timestamp: "2026-01-02T18:01:13Z", Version: "v0.0.0-test", Source: "node-1"},
		Measurements: []schema.Measurement{{Type: "K8s", Subtypes: []schema.Subtype{
			{Subtype: "", Data: data{"k": 1}}, {Subtype: "image", Data: data{"k": "a"}}, {Subtype: "server", Data: data{"k": "b"}},
		}}},
		Collectors: []schema.CollectorStatus{
			{Name: "gpu", Status: "absent", Reason: "no driver"},
			{Name: "k8s", Status: "ok", Reason: "release: forbidden: list secrets"},
			{Name: "topology", Status: "ok"},
		},
	}
	if d := cmp.Diff(want, s); d != "" {
		t.Error(d)
	}
}

func TestRunProblems(t *testing.T) {
	broken := schema.Errorf(schema.Unauthorized, "who are you").WithHint("log in")
	sources := []Source{
		source("gpu", Absent("no driver"), nil),
		source("k8s", nil, map[string]any{"server": broken, "image": "a", "release": Absent("forbidden")}),
		source("os", nil, map[string]any{"kmod": Absent("gone"), "grub": Absent("gone")}),
	}
	tests := []struct {
		name string
		p    schema.CollectParams
		want []string
		code schema.Code
	}{
		{"a failure fails", schema.CollectParams{}, []string{"collecting k8s.server: who are you"}, schema.Unauthorized},
		{"unless best effort", schema.CollectParams{BestEffort: true}, nil, ""},
		{"but not of what is required", schema.CollectParams{BestEffort: true, Require: []schema.CollectorPart{"k8s"}}, []string{"collecting k8s.server: who are you"}, schema.Unauthorized},
		{"required and absent", schema.CollectParams{BestEffort: true, Require: []schema.CollectorPart{"gpu", "k8s.release", "os", "k8s.image"}},
			[]string{"gpu is required and absent: no driver", "k8s.release is required and absent: forbidden", "os is required and absent: gone"}, schema.NotFound},
		{"required but not asked for", schema.CollectParams{Collectors: []schema.Collector{"os"}, Require: []schema.CollectorPart{"gpu"}},
			[]string{`require: "gpu" is required but is not among the collectors`}, schema.Invalid},
		{"no such collector", schema.CollectParams{Collectors: []schema.Collector{"topology"}}, []string{`collectors: this eidos has no collector "topology"`}, schema.Invalid},
		{"only what is asked for", schema.CollectParams{Collectors: []schema.Collector{"os"}}, nil, ""},
		{"no time", schema.CollectParams{CollectTimeout: "0s"}, []string{`collectTimeout: "0s" is not a time to wait`}, schema.Invalid},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Run(t.Context(), tt.p, options(sources...))
			var got []string
			for _, e := range schema.List(err) {
				got = append(got, e.Error())
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Error(d)
			}
			if schema.CodeOf(err) != tt.code {
				t.Errorf("code %q", schema.CodeOf(err))
			}
		})
	}
}

// A source of two collectors that does not open is one problem.
func TestOneProblemOfOneSource(t *testing.T) {
	s := source("k8s", schema.Errorf(schema.Unavailable, "nobody there"), nil)
	s.Collectors = append(s.Collectors, "topology")
	_, err := Run(t.Context(), schema.CollectParams{}, options(s))
	if got := schema.List(err); len(got) != 1 || got[0].Error() != "collecting k8s and topology: nobody there" {
		t.Errorf("got %q", got)
	}
	_, err = Run(t.Context(), schema.CollectParams{BestEffort: true, Require: []schema.CollectorPart{"k8s"}}, options(s))
	if got := schema.List(err); len(got) != 1 || got[0].Error() != "collecting k8s: nobody there" {
		t.Errorf("got %q", got)
	}
}

func TestHintOfTheCauseIsKept(t *testing.T) {
	_, err := Run(t.Context(), schema.CollectParams{}, options(
		source("gpu", errors.New("plain"), nil),
		source("k8s", schema.Errorf(schema.Failed, "hinted").WithHint("log in"), nil)))
	var hints []string
	for _, e := range schema.List(err) {
		var se *schema.Error
		errors.As(e, &se)
		hints = append(hints, se.Hint)
	}
	if len(hints) != 2 || !strings.Contains(hints[0], schema.Parameter("bestEffort")) || hints[1] != "log in" {
		t.Errorf("got %q", hints)
	}
}

// A source that never answers is given up when time runs out; the others are
// kept, and it is not closed under its own feet. Time passes when all wait.
func TestRunTimeout(t *testing.T) { synctest.Test(t, runTimeout) }

func runTimeout(t *testing.T) {
	forever := make(chan struct{})
	defer close(forever)
	var closed atomic.Bool
	stuck := Source{Collectors: []schema.Collector{"gpu"}, Open: func(context.Context, schema.CollectParams, []schema.Collector) ([]Part, func(), error) {
		return []Part{{"gpu", "", "GPU", func(context.Context) (Reading, error) { <-forever; return Reading{}, nil }}}, func() { closed.Store(true) }, nil
	}}
	p := schema.CollectParams{CollectTimeout: "200ms", BestEffort: true}
	s, err := Run(t.Context(), p, options(stuck, source("os", nil, map[string]any{"kmod": true})))
	if err != nil {
		t.Fatal(err)
	}
	want := []schema.CollectorStatus{{Name: "gpu", Status: "failed", Reason: "no answer within 200ms"}, {Name: "os", Status: "ok"}}
	if d := cmp.Diff(want, s.Collectors); d != "" {
		t.Error(d)
	}
	if closed.Load() {
		t.Error("closed while in use")
	}
	p.BestEffort = false
	if _, err := Run(t.Context(), p, options(stuck)); schema.CodeOf(err) != schema.Timeout {
		t.Errorf("got %v", err)
	}
}

func TestRunCanceled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	waits := Source{Collectors: []schema.Collector{"os"}, Open: func(ctx context.Context, _ schema.CollectParams, _ []schema.Collector) ([]Part, func(), error) {
		cancel()
		<-ctx.Done()
		return nil, nil, ctx.Err()
	}}
	if _, err := Run(ctx, schema.CollectParams{BestEffort: true}, options(waits)); schema.CodeOf(err) != schema.Canceled {
		t.Errorf("got %v", err)
	}
}

// The result is a valid Snapshot and does not depend on the order in which
// sources answer.
func TestSnapshotIsValidAndStable(t *testing.T) {
	var first []byte
	for range 20 {
		s, err := Run(t.Context(), schema.CollectParams{}, options(OS(host()), SystemD(func(context.Context) (Bus, error) { return &fakeBus{}, nil })))
		if err != nil {
			t.Fatal(err)
		}
		data, err := schema.Encode(s)
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = data
		}
		if string(first) != string(data) {
			t.Fatal("two runs differ")
		}
	}
	if err := schema.Decode("snapshot", first, &schema.Snapshot{}); err != nil {
		t.Error(err)
	}
}

// Everything that is on this machine is read: the target is 100 ms at the 99th
// percentile.
func BenchmarkLocal(b *testing.B) {
	o := options(Local()...)
	var times []time.Duration
	for b.Loop() {
		t := time.Now()
		if _, err := Run(b.Context(), schema.CollectParams{BestEffort: true}, o); err != nil {
			b.Fatal(err)
		}
		times = append(times, time.Since(t))
	}
	b.ReportMetric(percentile(times, 99).Seconds()*1000, "p99-ms")
}

func percentile(times []time.Duration, p int) time.Duration {
	slices.Sort(times)
	return times[(len(times)*p+99)/100-1]
}
