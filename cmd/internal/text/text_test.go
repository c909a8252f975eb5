package text

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestMiddle(t *testing.T) {
	for _, tt := range []struct {
		in   string
		n    int
		want string
	}{
		{"recipe", 10, "recipe"},
		{"a-rather-long-name-of-a-step[17]", 20, "a-rather-l…-step[17]"},
		{"a-long-name[eks,h100,17]", 20, "a-long…[eks,h100,17]"},
		{"short[a-row-with-a-long-name-in-it,17]", 20, "sh…ng-name-in-it,17]"},
		{"registry.example.com/a/b@sha256:0123", 15, "registr…56:0123"},
	} {
		if got := Middle(tt.in, tt.n); got != tt.want {
			t.Errorf("Middle(%q, %d) = %q, want %q", tt.in, tt.n, got, tt.want)
		}
	}
}

func TestWrap(t *testing.T) {
	got := Wrap("check  failed  5.0s  3 constraints do not hold in this cluster", 30, "    ")
	want := []string{"check  failed  5.0s  3", "    constraints do not hold in", "    this cluster"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	digest := "sha256:" + strings.Repeat("0", 64)
	if d := cmp.Diff([]string{"digest", "  " + digest, "  end"}, Wrap("digest "+digest+" end", 30, "  ")); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"\x1b[31mfailed\x1b[0m now"}, Wrap("\x1b[31mfailed\x1b[0m now", 10, "  ")); d != "" {
		t.Error(d)
	}
}

// No word is lost or cut whatever the width.
func TestTable(t *testing.T) {
	rows := [][]string{
		{"STEP", "WOULD", "BECAUSE"},
		{"render[eks,helm]", "run", "its input recipe is not what it was: constraints.0.value changed"},
		{"push", "always", "it reads or changes external systems"},
	}
	for width := 20; width < 120; width++ {
		out := Table(rows, width)
		for _, r := range rows[1:] {
			for _, c := range r {
				for _, w := range strings.Fields(c) {
					if !strings.Contains(out, w) {
						t.Fatalf("in %d columns %q is cut:\n%s", width, w, out)
					}
				}
			}
		}
		for _, l := range strings.Split(out, "\n") {
			if Width(l) > width && width >= 28 {
				t.Fatalf("%d columns: %q", width, l)
			}
		}
	}
	want := `STEP              WOULD   BECAUSE
render[eks,helm]  run     its input recipe is not
                          what it was:
                          constraints.0.value
                          changed
push              always  it reads or changes
                          external systems
`
	if d := cmp.Diff(want, Table(rows, 50)); d != "" {
		t.Error(d)
	}
	want = `STEP     render[eks,helm]
WOULD    run
BECAUSE  its input recipe is
         not what it was:
         constraints.0.value
         changed

STEP     push
WOULD    always
BECAUSE  it reads or changes
         external systems
`
	if d := cmp.Diff(want, Table(rows, 30)); d != "" {
		t.Error(d)
	}
}

func TestList(t *testing.T) {
	if got := List([]string{"a", "b", "c"}, 2); got != "a b and 1 more" {
		t.Error(got)
	}
}

func TestDuration(t *testing.T) {
	var got []string
	for _, d := range []time.Duration{-1, 40 * time.Millisecond, 1234 * time.Millisecond, 185 * time.Second, 127 * time.Minute} {
		got = append(got, Duration(d))
	}
	if s := fmt.Sprint(got); s != "[0ms 40ms 1.2s 3m05s 2h07m]" {
		t.Error(s)
	}
}

// A page of help in 60 columns keeps every word whole, and every line short.
func TestReflow(t *testing.T) {
	page := `Run a pipeline, its independent steps in parallel. A step whose inputs,
parameters and version are as they were is not run again.

Examples:
  eidos run                                   this host, from snapshot to signed bundle
  eidos recipe --service eks --accelerator h100 --intent training
                                              the configuration known to work there

Flags:
  -j, --jobs int     how many steps run at once (default: one a processor) or fewer
      --cache-from stringArray          take results from here, oci://REGISTRY/REPOSITORY or a directory
`
	want := `Run a pipeline, its independent steps in parallel. A step
whose inputs, parameters and version are as they were is not
run again.

Examples:
  eidos run
      this host, from snapshot to signed bundle
  eidos recipe --service eks --accelerator h100 --intent \
      training
      the configuration known to work there

Flags:
  -j, --jobs int     how many steps run at once (default:
                     one a processor) or fewer
      --cache-from stringArray
          take results from here, oci://REGISTRY/REPOSITORY
          or a directory
`
	if d := cmp.Diff(want, Reflow(page, 60)); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(page, Reflow(page, 0)); d != "" {
		t.Error(d)
	}
}

func TestPairs(t *testing.T) {
	rows := [][]string{{"  a-rather-long-name-of-a-step", "12 values of it"}, {"  b", "values from ip-10-0-158-18.ec2.internal"}}
	want := `  a-rather-long-name-of-a-step  12
                                values
                                of it
  b
    values from
    ip-10-0-158-18.ec2.internal
`
	if d := cmp.Diff(want, Pairs(rows, 40)); d != "" {
		t.Error(d)
	}
}
