package check

import (
	"strings"
	"testing"

	"github.com/NVIDIA/eidos/recipes"
)

// The table of nccl-tests as it prints it.
const ncclTable = `# nThread 1 nGpus 8 minBytes 1048576 maxBytes 8589934592 step: 2(factor) warmup iters: 5 iters: 20 agg iters: 1 validation: 1 graph: 0
#
# Using devices
#  Rank  0 Group  0 Pid    112 on  gpu-node-0 device  0 [0000:53:00] NVIDIA H100 80GB HBM3
#
#                                                              out-of-place                       in-place
#       size         count      type   redop    root     time   algbw   busbw #wrong     time   algbw   busbw #wrong
#        (B)    (elements)                               (us)  (GB/s)  (GB/s)            (us)  (GB/s)  (GB/s)
     1048576        262144     float     sum      -1    44.53   23.55   41.21      0    43.88   23.90   41.82      0
  4294967296    1073741824     float     sum      -1  15712.9  273.34  478.35      0  15699.7  273.57  478.75      0
  8589934592    2147483648     float     sum      -1  31187.2  275.43  482.00      0  31120.5  276.02  483.04      0
# Out of bounds values : 0 OK
# Avg bus bandwidth    : 333.195
#`

func TestReaders(t *testing.T) {
	for name, c := range map[string]struct {
		reader recipes.Reader
		log    string
		want   float64
		err    string
	}{
		"nccl":           {recipes.Reader{NCCL: true}, ncclTable, 482, ""},
		"nccl, wrong":    {recipes.Reader{NCCL: true}, strings.Replace(ncclTable, "482.00      0", "482.00     12", 1), 0, "12 wrong values at 8589934592 bytes"},
		"nccl, no table": {recipes.Reader{NCCL: true}, "NCCL WARN no device", 0, "no table"},
		"nccl, no root":  {recipes.Reader{NCCL: true}, "# size count type redop time algbw busbw error time algbw busbw error\n 1024 256 float sum 10 1.0 1.75 0e+00 10 1 1.8 0e+00", 1.75, ""},
		"json":           {recipes.Reader{JSON: "result.bw"}, "starting\n{\"result\":{\"bw\":12.5}}\n{\"result\":{\"bw\":13.5}}\ndone", 13.5, ""},
		"json, no key":   {recipes.Reader{JSON: "result.bw"}, `{"other":1}`, 0, "no result.bw"},
		"json, none":     {recipes.Reader{JSON: "a"}, "text", 0, "no line that is a JSON object"},
		"json, text":     {recipes.Reader{JSON: "a"}, `{"a":"fast"}`, 0, `"fast" in the log is not a number`},
		"pattern":        {recipes.Reader{Pattern: `([0-9.]+) Gflop/s`}, "100%  proc'd: 1 (14000 Gflop/s)\n100%  proc'd: 2 (14210.5 Gflop/s)", 14210.5, ""},
		"pattern, none":  {recipes.Reader{Pattern: `([0-9.]+) MB/s`}, "nothing", 0, "nothing like"},
	} {
		got, err := measured(c.reader, strings.Split(c.log, "\n"))
		switch {
		case c.err == "" && (err != nil || got != c.want):
			t.Errorf("%s: %v, %v; want %v", name, got, err, c.want)
		case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)):
			t.Errorf("%s: %v, %v; want %s", name, got, err, c.err)
		}
	}
}

func FuzzReaders(f *testing.F) {
	f.Add(ncclTable)
	f.Add("# size busbw\n1 2")
	f.Fuzz(func(t *testing.T, log string) {
		for _, r := range []recipes.Reader{{NCCL: true}, {JSON: "a.b"}, {Pattern: `(\d+)`}} {
			if v, err := measured(r, strings.Split(log, "\n")); err != nil && v != 0 {
				t.Errorf("%v beside %v", v, err)
			}
		}
	})
}
