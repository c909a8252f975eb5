package checks

import (
	"bytes"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// parsed reads metrics as the textfile collector does: it refuses a series that
// is there twice and a sample with a timestamp.
func parsed(t *testing.T, r Report) map[string]*dto.MetricFamily {
	t.Helper()
	var b bytes.Buffer
	if err := Prometheus(&b, r); err != nil {
		t.Fatal(err)
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(&b)
	if err != nil {
		t.Fatal(err)
	}
	for name, f := range families {
		if f.GetHelp() == "" || f.GetType() != dto.MetricType_GAUGE {
			t.Errorf("%s: %v, %q", name, f.GetType(), f.GetHelp())
		}
		seen := map[string]bool{}
		for _, m := range f.Metric {
			if key := labelsOf(m); seen[key] || m.TimestampMs != nil {
				t.Errorf("%s{%s} is there twice or has a timestamp", name, key)
			} else {
				seen[key] = true
			}
		}
	}
	return families
}

func labelsOf(m *dto.Metric) string {
	s := ""
	for _, l := range m.Label {
		s += l.GetName() + "=" + l.GetValue() + ";"
	}
	return s
}

func TestPrometheus(t *testing.T) {
	end := time.Unix(1700000000, 0)
	check := func(name, status, severity, actual string) Result {
		return Result{Name: name, Status: status, Outcome: Outcome(status), Rule: "check/" + name, Extra: map[string]string{"severity": severity, "actual": actual}}
	}
	warned := check("disk", "failed", "warning", "")
	warned.Outcome = Skipped // it fails nothing
	families := parsed(t, Report{Start: end.Add(-2500 * time.Millisecond), Stop: end, Suites: []Suite{
		{Name: "checks", Results: []Result{
			check("bw", "passed", "", "482 GB/s"), check("driver", "passed", "", "570.1.2"), warned,
			check("same", "passed", "", ""), check("same", "failed", "", ""), check("a\"b\\c\nd\xff", "unknown", "", "")}},
		{Name: "p", Results: []Result{{Name: "render", Status: "reused", Outcome: Passed}, {Name: "bw", Status: "canceled", Outcome: Skipped}}},
	}})
	got := map[string]float64{}
	for name, f := range families {
		for _, m := range f.Metric {
			if m.Gauge.GetValue() != 0 {
				got[name+" "+labelsOf(m)] = m.Gauge.GetValue()
			}
		}
	}
	want := map[string]float64{
		"eidos_check_status suite=checks;check=bw;severity=error;status=passed;":                1,
		"eidos_check_status suite=checks;check=driver;severity=error;status=passed;":            1,
		"eidos_check_status suite=checks;check=disk;severity=warning;status=failed;":            1,
		"eidos_check_status suite=checks;check=same;severity=error;status=failed;":              1,
		"eidos_check_status suite=checks;check=a\"b\\c\nd\uFFFD;severity=error;status=unknown;": 1,
		"eidos_check_status suite=p;check=render;severity=error;status=passed;":                 1,
		"eidos_check_status suite=p;check=bw;severity=error;status=skipped;":                    1,
		"eidos_check_value suite=checks;check=bw;severity=error;":                               482,
		"eidos_checks_duration_seconds ":                                                        2.5,
		"eidos_checks_end_timestamp_seconds ":                                                   1700000000,
	}
	for k, v := range want {
		if got[k] != v {
			t.Errorf("%s is %v, want %v", k, got[k], v)
		}
		delete(got, k)
	}
	if len(got) > 0 {
		t.Errorf("also %v", got)
	}
	if n := len(families["eidos_check_status"].Metric); n != 7*4 {
		t.Errorf("%d series, want four of each of seven", n)
	}
	for _, allow := range []bool{false, true} {
		parsed(t, report(t, allow))
	}
}
