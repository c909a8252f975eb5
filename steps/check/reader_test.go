package check

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/recipes/expect"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/constraint"
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

// gpuBurn is what gpu-burn prints for two GPUs: its progress is one line, which a
// carriage return begins again.
const gpuBurn = "Using compare file: compare.ptx\nBurning for 60 seconds.\n" +
	"GPU 0: NVIDIA H100 80GB HBM3 (UUID: GPU-5db0a814-1f18-6948-b810-636d23e7d82f)\n" +
	"Initialized device 0 with 81089 MB of memory (80522 MB available, using 72470 MB of it), using FLOATS\n" +
	"Results are 268435456 bytes each, thus performing 281 iterations\n" +
	"11.7%  proc'd: 843 (46830 Gflop/s) - 843 (46710 Gflop/s)   errors: 0 - 0   temps: 41 C - 40 C \r" +
	"50.0%  proc'd: 4215 (50012 Gflop/s) - 4215 (49830 Gflop/s)   errors: 0 - 3  (WARNING!)   temps: 55 C - 54 C \r" +
	"100.0%  proc'd: 8430 (51234 Gflop/s) - 8430 (51001 Gflop/s)   errors: 0 - 3   temps: 61 C - 60 C \n" +
	"Killing processes with SIGTERM (soft kill)\nFreed memory for dev 0\nUninitted cublas\ndone\n\nTested 2 GPUs:\n\tGPU 0: OK\n\tGPU 1: FAULTY"

// ncclNoCheck is the table of nccl-tests without validation, and with the lines that
// NCCL itself prints in between.
const ncclNoCheck = `# nccl-tests version 2.17.6 nccl-headers=22803 nccl-library=22803
# Collective test starting: all_reduce_perf
# nThread 1 nGpus 1 minBytes 8 maxBytes 134217728 step: 2(factor) warmup iters: 1 iters: 20 agg iters: 1 validation: 0 graph: 0
gpu-node-0:112:112 [0] NCCL INFO Bootstrap: Using eth0:10.1.2.3<0>
#
#                                                              out-of-place                       in-place
#       size         count      type   redop    root     time   algbw   busbw  #wrong     time   algbw   busbw  #wrong
#        (B)    (elements)                               (us)  (GB/s)  (GB/s)             (us)  (GB/s)  (GB/s)
           8             2     float     sum      -1    30.12    0.00    0.00     N/A    29.80    0.00    0.00     N/A
gpu-node-0:112:140 [0] NCCL INFO comm 0x55 rank 0 nranks 16 - Init COMPLETE
   134217728      33554432     float     sum      -1   1065.5  125.97  236.19     N/A   1060.2  126.60  237.37     N/A
# Out of bounds values : 0 OK
# Avg bus bandwidth    : 118.39`

func TestReaders(t *testing.T) {
	for name, c := range map[string]struct {
		reader recipes.Reader
		log    string
		want   float64
		err    string
	}{
		"nccl":             {recipes.Reader{NCCL: true}, ncclTable, 482, ""},
		"nccl, wrong":      {recipes.Reader{NCCL: true}, strings.Replace(ncclTable, "482.00      0", "482.00     12", 1), 0, "12 wrong values at 8589934592 bytes"},
		"nccl, no table":   {recipes.Reader{NCCL: true}, "NCCL WARN no device", 0, "no table"},
		"nccl, no root":    {recipes.Reader{NCCL: true}, "# size count type redop time algbw busbw error time algbw busbw error\n 1024 256 float sum 10 1.0 1.75 0e+00 10 1 1.8 0e+00", 1.75, ""},
		"json":             {recipes.Reader{JSON: "result.bw"}, "starting\n{\"result\":{\"bw\":12.5}}\n{\"result\":{\"bw\":13.5}}\ndone", 13.5, ""},
		"json, no key":     {recipes.Reader{JSON: "result.bw"}, `{"other":1}`, 0, "no result.bw"},
		"json, none":       {recipes.Reader{JSON: "a"}, "text", 0, "no line that is a JSON object"},
		"json, text":       {recipes.Reader{JSON: "a"}, `{"a":"fast"}`, 0, `"fast" in the log is not a number`},
		"pattern":          {recipes.Reader{Pattern: `([0-9.]+) Gflop/s`}, "100%  proc'd: 1 (14000 Gflop/s)\n100%  proc'd: 2 (14210.5 Gflop/s)", 14210.5, ""},
		"nccl, unchecked":  {recipes.Reader{NCCL: true}, ncclNoCheck, 236.19, ""},
		"gpu-burn, first":  {recipes.Reader{Pattern: `proc'd: \d+ \((\d+) Gflop/s\)`}, gpuBurn, 51234, ""},
		"gpu-burn, faulty": {recipes.Reader{GPUBurn: true}, gpuBurn, 0, "GPU 1 is faulty"},
		"gpu-burn, sound":  {recipes.Reader{GPUBurn: true}, strings.Replace(gpuBurn, "FAULTY", "OK", 1), 51001, ""},
		"gpu-burn, died":   {recipes.Reader{GPUBurn: true}, "100.0%  proc'd: -1 (0 Gflop/s) - 8430 (51001 Gflop/s)   errors: 0  (DIED!)- 0\nTested 2 GPUs:\n\tGPU 0: OK\n\tGPU 1: OK", 0, "GPU 0 died"},
		"gpu-burn, cut":    {recipes.Reader{GPUBurn: true}, gpuBurn[:strings.Index(gpuBurn, "Tested")], 0, "no result of gpu-burn"},
		"gpu-burn, none":   {recipes.Reader{GPUBurn: true}, "Couldn't init CUDA", 0, "no result of gpu-burn"},
		"nccl, one GPU":    {recipes.Reader{NCCL: true}, strings.ReplaceAll(ncclTable, "482.00", "0.00"), 0, "one GPU alone"},
		"gpu-burn, no GPU": {recipes.Reader{Pattern: `\((\d+) Gflop/s\)`}, "Couldn't init CUDA: no CUDA-capable device is detected", 0, "nothing like"},
		"pattern, none":    {recipes.Reader{Pattern: `([0-9.]+) MB/s`}, "nothing", 0, "nothing like"},
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

// What programs printed on an H200 (nccl-tests 2.19.6, gpu-burn of 2026-05, CUDA 13.0),
// decided by a constraint that holds there and by one that does not.
func TestRealOutputs(t *testing.T) {
	for name, c := range map[string]struct {
		file   string
		exit   int64
		reader recipes.Reader
		value  string
		status constraint.Verdict
		actual string
		why    string
	}{
		"broadcast":         {"nccl-broadcast.txt", 0, recipes.Reader{NCCL: true}, ">= 2000", constraint.Passed, "2136.2", ""},
		"slow broadcast":    {"nccl-broadcast.txt", 0, recipes.Reader{NCCL: true}, ">= 3000", constraint.Failed, "2136.2", "3000"},
		"all-reduce, alone": {"nccl-all-reduce.txt", 0, recipes.Reader{NCCL: true}, ">= 300", constraint.Unknown, "", "one GPU alone has no bus bandwidth"},
		"too few GPUs":      {"nccl-eight.txt", 5, recipes.Reader{NCCL: true}, ">= 300", constraint.Failed, "", "8 requested but only 1 were found"},
		"burn":              {"gpu-burn.txt", 0, recipes.Reader{GPUBurn: true}, ">= 45000", constraint.Passed, "48840", ""},
		"slow burn":         {"gpu-burn.txt", 0, recipes.Reader{GPUBurn: true}, ">= 60000", constraint.Failed, "48840", "60000"},
	} {
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join("testdata/h200", c.file))
			if err != nil {
				t.Fatal(err)
			}
			check := recipes.Check{Name: "bw", Run: &recipes.Run{Image: "i", Pods: 1, Reader: c.reader, Value: c.value}}
			i := item{check: check, bound: expect.Bind(check, &schema.RecipeResult{})}
			v := i.decideRan([]schema.CheckProgram{{Check: "bw", Pods: 1, Node: "node-1", Exit: c.exit, Log: strings.Split(string(text), "\n")}})
			if v.Status != c.status || v.Actual != c.actual || !strings.Contains(v.Reason(), c.why) {
				t.Errorf("%s, %q, %s", v.Status, v.Actual, v.Reason())
			}
		})
	}
}

func FuzzReaders(f *testing.F) {
	f.Add(ncclTable)
	f.Add("# size busbw\n1 2")
	f.Fuzz(func(t *testing.T, log string) {
		for _, r := range []recipes.Reader{{NCCL: true}, {GPUBurn: true}, {JSON: "a.b"}, {Pattern: `(\d+)`}} {
			if v, err := measured(r, strings.Split(log, "\n")); err != nil && v != 0 {
				t.Errorf("%v beside %v", v, err)
			}
		}
	})
}
