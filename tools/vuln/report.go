package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// report is what govulncheck found in code that is called.
type report struct {
	goVersion string             // go1.26.10
	called    map[string]finding // by ID
	present   map[string]bool    // IDs of required modules whose code is not called
}

// finding is a vulnerability and one place that reaches it.
type finding struct {
	module, version string // stdlib for the standard library
	fixed           string // v1.2.3; empty without a fix
	symbol, caller  string
}

// message is a part of govulncheck's JSON, protocol v1.0.0:
// https://pkg.go.dev/golang.org/x/vuln/internal/govulncheck.
type message struct {
	Config *struct {
		GoVersion string `json:"go_version"`
		ScanLevel string `json:"scan_level"`
	}
	Finding *struct {
		OSV          string
		FixedVersion string  `json:"fixed_version"`
		Trace        []frame // from the vulnerable symbol to the entry point
	}
}

type frame struct{ Module, Version, Package, Function, Receiver string }

func (f frame) String() string {
	if f.Receiver != "" {
		return f.Package + "." + f.Receiver + "." + f.Function
	}
	return f.Package + "." + f.Function
}

// readReport reads a stream of messages. One that did not look at calls is
// refused: nothing would be found in it.
func readReport(r io.Reader) (report, error) {
	out := report{called: map[string]finding{}, present: map[string]bool{}}
	level := ""
	for d := json.NewDecoder(r); ; {
		var m message
		if err := d.Decode(&m); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return report{}, fmt.Errorf("reading govulncheck's JSON: %w", err)
		}
		if m.Config != nil {
			out.goVersion, level = m.Config.GoVersion, m.Config.ScanLevel
		}
		f := m.Finding
		if f == nil || len(f.Trace) == 0 {
			continue
		}
		first := f.Trace[0]
		if first.Function == "" { // of the module or the package as a whole
			out.present[f.OSV] = true
			continue
		}
		// The first trace is the one that is shown: govulncheck sorts them.
		if _, ok := out.called[f.OSV]; !ok {
			out.called[f.OSV] = finding{first.Module, first.Version, f.FixedVersion, first.String(), f.Trace[len(f.Trace)-1].String()}
		}
	}
	if level != "symbol" || out.goVersion == "" {
		return report{}, fmt.Errorf("govulncheck's JSON is of scan level %q, not %q", level, "symbol")
	}
	for id := range out.called {
		delete(out.present, id)
	}
	return out, nil
}
