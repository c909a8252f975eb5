package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const (
	config   = `{"config": {"protocol_version": "v1.0.0", "go_version": "go1.26.8", "scan_level": "symbol"}}` + "\n"
	called   = `{"finding": {"osv": "GO-2026-0001", "fixed_version": "v1.2.3", "trace": [{"module": "example.com/m", "version": "v1.2.2", "package": "example.com/m/p", "function": "Read", "receiver": "*R"}, {"module": "local", "package": "local/x", "function": "Run"}]}}` + "\n"
	noFix    = `{"finding": {"osv": "GO-2026-0002", "trace": [{"module": "example.com/m", "version": "v1.2.2", "package": "example.com/m/p", "function": "init"}]}}` + "\n"
	imported = `{"finding": {"osv": "GO-2026-0003", "trace": [{"module": "example.com/n", "version": "v1.0.0", "package": "example.com/n"}]}}` + "\n"
	std9     = `{"finding": {"osv": "GO-2026-0009", "fixed_version": "v1.26.9", "trace": [{"module": "stdlib", "version": "v1.26.8", "package": "net/http", "function": "Get"}]}}` + "\n"
	std11    = `{"finding": {"osv": "GO-2026-0011", "fixed_version": "v1.26.11", "trace": [{"module": "stdlib", "version": "v1.26.8", "package": "net/http", "function": "Get"}]}}` + "\n"
)

func TestRun(t *testing.T) {
	for _, c := range []struct {
		name, accepted, report, out, err string
	}{
		{"nothing", "# none\n\n", config, "go1.26.8: 0 called, 0 more", ""},
		{"imported only", "", config + imported, "go1.26.8: 0 called, 1 more", ""},
		{"not in the list", "", config + called, "1 called", "GO-2026-0001 in example.com/m v1.2.2: local/x.Run calls example.com/m/p.*R.Read; fixed in v1.2.3"},
		{"without a fix", "", config + noFix, "", "no fix is known"},
		{"all of them", "", config + called + noFix, "", "GO-2026-0002"},
		{"accepted", "GO-2026-0001 2026-11-01 not reached\n", config + called, "accepted until 2027-04-30", ""},
		{"another is accepted", "GO-2026-0001 2026-11-01 not reached\n", config + called + noFix, "", "GO-2026-0002"},
		{"no longer found", "GO-2026-0001 2026-11-01 not reached\n", config, "", "accepted.txt:1: GO-2026-0001 is no longer found: remove it"},
		{"no longer called", "GO-2026-0003 2026-11-01 not reached\n", config + imported, "", "GO-2026-0003 is no longer found"},
		{"on the last day", "GO-2026-0001 2026-05-29 not reached\n", config + called, "accepted until 2026-11-25", ""},
		{"too old", "GO-2026-0001 2026-05-28 not reached\n", config + called, "", "was reviewed 181 days ago"},
		{"in the future", "GO-2026-0001 2026-11-28 not reached\n", config + called, "", "on a day to come, 2026-11-28"},
		{"the standard library, fixed in releases", "", config + std9, "fixed in go1.26.10, which releases are built with", ""},
		{"the standard library, not fixed in releases", "", config + std11, "", "GO-2026-0011 in stdlib v1.26.8: net/http.Get calls net/http.Get; fixed in v1.26.11"},
		{"no reason", "GO-2026-0001 2026-11-01 \n", config + called, "", "accepted.txt:1: GO-2026-0001 has no reason"},
		{"no day", "# a\nGO-2026-0001 not reached\n", config + called, "", `accepted.txt:2: GO-2026-0001: "not" is not a day`},
		{"no ID", "CVE-2026-1 2026-11-01 not reached\n", config, "", `"CVE-2026-1" is not an ID`},
		{"twice", "GO-2026-0001 2026-11-01 a\nGO-2026-0001 2026-11-02 b\n", config + called, "", "accepted.txt:2: GO-2026-0001 is already in "},
		{"an empty report", "", "", "", `scan level ""`},
		{"a report of modules", "", strings.Replace(config, "symbol", "module", 1), "", `scan level "module"`},
		{"a report that breaks off", "", config + called[:40], "", "unexpected EOF"},
	} {
		t.Run(c.name, func(t *testing.T) {
			list := filepath.Join(t.TempDir(), "accepted.txt")
			if err := os.WriteFile(list, []byte(c.accepted), 0o666); err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			err := run(strings.NewReader(c.report), &out, list, "go1.26.10", time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC))
			if c.err == "" && err != nil || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
				t.Errorf("error %v, want %q", err, c.err)
			}
			if !strings.Contains(out.String(), c.out) {
				t.Errorf("printed %q, want %q in it", out.String(), c.out)
			}
		})
	}
}

func TestAcceptedIsReadable(t *testing.T) {
	f, err := os.Open("accepted.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := readAccepted(f, "accepted.txt"); err != nil {
		t.Error(err)
	}
}
