package checks

import (
	"bytes"
	"io"
	"time"
)

// format writes a report. Timed says that the times of the run are part of it; the
// others get none, so that the same input gives the same bytes.
type format struct {
	write func(io.Writer, Report) error
	timed bool
}

func formats() map[string]format {
	return map[string]format{
		"junit": {JUnit, false}, "ctrf": {CTRF, true}, "sarif": {SARIF, false}, "codequality": {CodeQuality, false}, "html": {HTML, false}, "prometheus": {Prometheus, true},
	}
}

// Formats are the names of the formats for CI, for people and for monitoring.
func Formats() []string {
	return []string{"junit", "ctrf", "sarif", "codequality", "html", "prometheus"}
}

// IsFormat says whether name is one of Formats.
func IsFormat(name string) bool { return formats()[name].write != nil }

// Encode is a report in one of the Formats.
func Encode(name string, r Report) ([]byte, error) {
	f := formats()[name]
	if !f.timed {
		r.Start, r.Stop = time.Time{}, time.Time{}
	}
	var b bytes.Buffer
	err := f.write(&b, r)
	return b.Bytes(), err
}
