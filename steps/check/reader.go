package check

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/recipes/expect"
)

// measured reads the result of a program from its log. It is not used for
// programs whose exit status is the result.
func measured(r recipes.Reader, log []string) (float64, error) {
	switch {
	case r.NCCL:
		return busBandwidth(log)
	case r.JSON != "":
		return jsonNumber(r.JSON, log)
	}
	return pattern(r.Pattern, log)
}

// busBandwidth is the bus bandwidth in GB/s of the largest message in the table
// that the nccl-tests print, out of place. A header names the columns:
//
//	#       size         count      type   redop    root     time   algbw   busbw #wrong  …
//	#        (B)    (elements)                               (us)  (GB/s)  (GB/s)         …
//	  8589934592    2147483648     float     sum      -1    31187  275.43  482.00      0  …
//
// Wrong values are an error: a fast answer that is not right is none.
func busBandwidth(log []string) (float64, error) {
	busbw, wrong := -1, -1
	best, largest := 0.0, int64(-1)
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
				return 0, fmt.Errorf("%s wrong values at %d bytes", fields[wrong], size)
			}
		}
		if size >= largest {
			best, largest = bw, size
		}
	}
	if largest < 0 {
		return 0, fmt.Errorf("the log has no table of nccl-tests")
	}
	return best, nil
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

// pattern is the first group of the last match: a line may hold many, where a
// program goes back to its beginning to show how far it is.
func pattern(expr string, log []string) (float64, error) {
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
