package checks

import (
	"bytes"
	"io"
	"time"
)

// format writes a report. timed means that the times of the command are part of it; the
// other formats get none, so that the same input has the same bytes. Reports of a run
// (cmd/internal/pipelinerun) call the writers themselves and always have times: they are
// about one run, and how long its steps took.
type format struct {
	write func(io.Writer, Report) error
	timed bool
}

func formats() map[string]format {
	return map[string]format{
		"junit": {JUnit, false}, "ctrf": {CTRF, true}, "sarif": {SARIF, false}, "codequality": {CodeQuality, false}, "html": {HTML, false}, "prometheus": {Prometheus, true},
	}
}

// Formats lists the names that Encode takes.
func Formats() []string {
	return []string{"junit", "ctrf", "sarif", "codequality", "html", "prometheus"}
}

// IsFormat says whether name is one of Formats.
func IsFormat(name string) bool { return formats()[name].write != nil }

// Encode is a report in one of the Formats; check IsFormat first, as any other name
// panics.
func Encode(name string, r Report) ([]byte, error) {
	f := formats()[name]
	if !f.timed {
		r.Start, r.Stop = time.Time{}, time.Time{}
	}
	var b bytes.Buffer
	err := f.write(&b, r)
	return b.Bytes(), err
}
