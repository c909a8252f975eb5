package constraint

import (
	"fmt"
	"strconv"
	"strings"
)

// Number says whether a measured quantity satisfies an expression, as numbers:
// 489.75 is less than 489.8, which as versions it is not. Unknown if the
// expression asks for anything but numbers.
func Number(expr string, v float64) (Verdict, string) {
	if _, err := Parse(expr); err != nil {
		return Unknown, err.Error()
	}
	for _, alternative := range strings.Split(expr, "||") {
		all := true
		terms, err := split(alternative)
		if err != nil {
			return Unknown, err.Error()
		}
		for _, t := range terms {
			op := t[:len(t)-len(strings.TrimLeft(t, "<>=!"))]
			want, err := strconv.ParseFloat(strings.TrimSpace(t[len(op):]), 64)
			if err != nil {
				return Unknown, fmt.Sprintf("%s does not compare numbers", expr)
			}
			all = all && compare(op, v, want)
		}
		if all {
			return Passed, ""
		}
	}
	return Failed, fmt.Sprintf("%s is not %s", strconv.FormatFloat(v, 'f', -1, 64), expr)
}

func compare(op string, v, want float64) bool {
	switch op {
	case ">=":
		return v >= want
	case "<=":
		return v <= want
	case ">":
		return v > want
	case "<":
		return v < want
	case "!=":
		return v != want
	}
	return v == want
}
