package check

import (
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/recipes/expect"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/pattern"
)

// badResult is why a result that was read is not right: the check failed, whatever
// the value.
type badResult string

func (b badResult) Error() string { return string(b) }

// measured reads the result of a program from its log. It is not used for
// programs whose exit status is the result.
func measured(r recipes.Reader, log []string) (float64, error) {
	switch {
	case r.NCCL:
		return busBandwidth(log)
	case r.GPUBurn:
		return burned(log)
	case r.JSON != "":
		return jsonNumber(r.JSON, log)
	}
	return matched(r.Pattern, log)
}

// busBandwidth is the bus bandwidth in GB/s of the largest message in the table
// that the nccl-tests print, out of place. A header names the columns:
//
//	#       size         count      type   redop    root     time   algbw   busbw #wrong  …
//	#        (B)    (elements)                               (us)  (GB/s)  (GB/s)         …
//	  8589934592    2147483648     float     sum      -1    31187  275.43  482.00      0  …
//
// Wrong values are an error: a fast answer that is not right is none. So is a table
// for one GPU: its column busbw holds 0 whatever the speed.
func busBandwidth(log []string) (float64, error) {
	busbw, wrong := -1, -1
	best, alone, largest := 0.0, 0.0, int64(-1)
	for _, line := range log {
		fields := strings.Fields(line)
		if len(fields) > 1 && fields[0] == "#" && fields[1] == "size" {
			busbw, wrong = -1, -1
			for i, f := range fields[1:] {
				switch {
				case f == "busbw" && busbw < 0:
					busbw = i
				case (f == "#wrong" || f == "error") && wrong < 0:
					wrong = i
				}
			}
			continue
		}
		if busbw < 0 || len(fields) <= busbw {
			continue
		}
		size, err := strconv.ParseInt(fields[0], 10, 64)
		if err != nil {
			continue
		}
		bw, err := strconv.ParseFloat(fields[busbw], 64)
		if err != nil {
			return 0, fmt.Errorf("column busbw holds %q", fields[busbw])
		}
		if wrong >= 0 && wrong < len(fields) {
			if n, err := strconv.ParseFloat(fields[wrong], 64); err == nil && n != 0 {
				return 0, badResult(fmt.Sprintf("%s wrong values at %d bytes", fields[wrong], size))
			}
		}
		if size >= largest {
			best, largest = bw, size
			alone, _ = strconv.ParseFloat(fields[busbw-1], 64) // algbw
		}
	}
	switch {
	case largest < 0:
		return 0, fmt.Errorf("the log has no table of nccl-tests")
	case best == 0 && alone > 0:
		return 0, fmt.Errorf("one GPU alone has no bus bandwidth: the program needs two or more")
	}
	return best, nil
}

// gpuState is one GPU in the last lines of gpu-burn, gpuSpeed one in its progress.
// The numbers of errors there start again with each summary, and the exit status is
// 0 for a GPU that calculates wrongly: neither is a result.
//
//	100.0%  proc'd: 8430 (51234 Gflop/s) - 8430 (51001 Gflop/s)   errors: 0 - 0   temps: 61 C - 60 C
//	Tested 2 GPUs:
//		GPU 0: OK
//		GPU 1: FAULTY
var (
	gpuState = pattern.New(`^\s*GPU (\d+): (OK|FAULTY)\s*$`)
	gpuSpeed = pattern.New(`(-?\d+) \((-?\d+) Gflop/s\)`)
)

// burned is the speed in Gflop/s of the slowest GPU that gpu-burn tested. A GPU that
// died or calculated wrongly is an error.
func burned(log []string) (float64, error) {
	tested := 0
	var bad []string
	var progress string
	for _, line := range log {
		if i := strings.LastIndex(line, "proc'd:"); i >= 0 {
			progress = line[i:]
		}
		if m := gpuState.FindStringSubmatch(line); m != nil {
			if tested++; m[2] == "FAULTY" {
				bad = append(bad, "GPU "+m[1]+" is faulty")
			}
		}
	}
	speeds := gpuSpeed.FindAllStringSubmatch(progress, -1)
	slowest := math.Inf(1)
	for i, m := range speeds {
		if m[1] == "-1" {
			bad = append(bad, fmt.Sprintf("GPU %d died", i))
			continue
		}
		v, err := number(m[2])
		if err != nil {
			return 0, err
		}
		slowest = min(slowest, v)
	}
	switch {
	case len(bad) > 0:
		return 0, badResult(schema.Lines(bad, ", "))
	case tested == 0 || len(speeds) != tested:
		return 0, fmt.Errorf("the log has no result of gpu-burn")
	}
	return slowest, nil
}

// jsonNumber is the number at a path of the last line that is a JSON object.
func jsonNumber(path string, log []string) (float64, error) {
	for i := len(log) - 1; i >= 0; i-- {
		var o map[string]any
		if json.Unmarshal([]byte(log[i]), &o) != nil {
			continue
		}
		got, err := expect.Values(o, path)
		if err != nil {
			return 0, err
		}
		if len(got) == 0 {
			return 0, fmt.Errorf("the JSON in the log has no %s", path)
		}
		return number(got[0])
	}
	return 0, fmt.Errorf("the log has no line that is a JSON object")
}

// matched is the first group of the last match: a line may hold many, where a
// program goes back to its beginning to show how far it is.
func matched(expr string, log []string) (float64, error) {
	p, err := regexp.Compile(expr)
	if err != nil {
		return 0, err
	}
	for i := len(log) - 1; i >= 0; i-- {
		if all := p.FindAllStringSubmatch(log[i], -1); len(all) > 0 && len(all[0]) > 1 {
			return number(all[len(all)-1][1])
		}
	}
	return 0, fmt.Errorf("the log has nothing like %s", expr)
}

func number(s string) (float64, error) {
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return 0, fmt.Errorf("%q in the log is not a number", s)
	}
	return v, nil
}
