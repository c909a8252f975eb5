// Package version reads and orders the version numbers found on clusters:
// Kubernetes, kernels, drivers, charts, distributions.
package version

import (
	"fmt"
	"strconv"
	"strings"
)

// Limits: longer ones are not versions of anything.
const (
	maxParts  = 8
	maxDigits = 18 // fits an int64; byte counts are compared as one-part versions
	maxLen    = 256
)

// Version is numbers between dots, perhaps a pre-release, perhaps a suffix of
// whoever built it. The zero Version is invalid; make one with Parse.
type Version struct {
	Parts  []int64 // 1.33.5 → [1 33 5]; at least one
	Pre    string  // "rc.1", "alpha.2", "beta"; "" for a release
	Suffix string  // "-eks-3025e55", "+k3s1", "-1028-aws": shown, never compared
}

// Parse reads 1.33.5, v1.33.5-eks-3025e55, 6.8.0-1028-aws, 1.34.0-rc.1, 24.04.
// A leading v is ignored. Negative, missing and over-long parts are errors.
func Parse(s string) (Version, error) {
	if len(s) > maxLen {
		return Version{}, fmt.Errorf("a version of %d characters is over the limit of %d", len(s), maxLen)
	}
	rest := s
	if len(s) > 1 && (s[0] == 'v' || s[0] == 'V') {
		rest = s[1:]
	}
	numbers := rest
	var v Version
	if i := strings.IndexAny(rest, "-+"); i >= 0 {
		numbers = rest[:i]
		v.Pre, v.Suffix = prerelease(rest[i:])
	}
	for _, part := range strings.Split(numbers, ".") {
		n, err := parsePart(part)
		if err != nil {
			return Version{}, fmt.Errorf("%q is not a version: %w", s, err)
		}
		v.Parts = append(v.Parts, n)
	}
	if len(v.Parts) > maxParts {
		return Version{}, fmt.Errorf("%q is not a version: more than %d parts", s, maxParts)
	}
	return v, nil
}

func parsePart(part string) (int64, error) {
	switch {
	case part == "":
		return 0, fmt.Errorf("a part is empty")
	case strings.Trim(part, "0123456789") != "":
		return 0, fmt.Errorf("part %q is not a number", part)
	case len(part) > maxDigits:
		return 0, fmt.Errorf("part %q has more than %d digits", part, maxDigits)
	}
	return strconv.ParseInt(part, 10, 64)
}

// prerelease splits what follows the numbers, "-rc.1-gke.7" into "rc.1" and
// "-gke.7". Only the words below make a pre-release; anything else is the
// builder's suffix.
func prerelease(tail string) (pre, suffix string) {
	if tail[0] != '-' {
		return "", tail
	}
	body := tail[1:]
	for _, word := range []string{"alpha", "beta", "preview", "pre", "rc", "dev"} {
		after, ok := strings.CutPrefix(body, word)
		if !ok {
			continue
		}
		after = strings.TrimPrefix(after, ".")
		digits := after[:len(after)-len(strings.TrimLeft(after, "0123456789"))]
		rest := after[len(digits):]
		if (rest != "" && rest[0] != '-' && rest[0] != '+' && rest[0] != '.') || len(digits) > maxDigits {
			continue
		}
		if digits == "" {
			return word, rest
		}
		return word + "." + digits, rest
	}
	return "", tail
}

// String is the version without v and suffix.
func (v Version) String() string {
	var b strings.Builder
	for i, p := range v.Parts {
		if i > 0 {
			b.WriteByte('.')
		}
		b.WriteString(strconv.FormatInt(p, 10))
	}
	if v.Pre != "" {
		b.WriteString("-" + v.Pre)
	}
	return b.String()
}

// Compare returns -1, 0 or 1. Missing parts count as 0; a pre-release sorts
// before its release; suffixes take no part.
func Compare(a, b Version) int {
	if c := CompareParts(a.Parts, b.Parts); c != 0 {
		return c
	}
	switch {
	case a.Pre == b.Pre:
		return 0
	case a.Pre == "":
		return 1
	case b.Pre == "":
		return -1
	}
	return ComparePre(a.Pre, b.Pre)
}

// CompareParts compares numbers from the left; missing ones count as 0.
func CompareParts(a, b []int64) int {
	for i := range max(len(a), len(b)) {
		var x, y int64
		if i < len(a) {
			x = a[i]
		}
		if i < len(b) {
			y = b[i]
		}
		if x != y {
			return sign(x < y)
		}
	}
	return 0
}

// ComparePre orders two pre-releases as Parse writes them: by word, then by
// number; a word without a number comes first.
func ComparePre(a, b string) int {
	wa, na, _ := strings.Cut(a, ".")
	wb, nb, _ := strings.Cut(b, ".")
	if wa != wb {
		return sign(wa < wb)
	}
	na, nb = strings.TrimLeft(na, "0"), strings.TrimLeft(nb, "0")
	switch {
	case a == b || (na == nb && na != ""):
		return 0
	case len(na) != len(nb):
		return sign(len(na) < len(nb))
	case na != nb:
		return sign(na < nb)
	}
	// One of them may be the bare word and the other the word with zero.
	return sign(len(a) < len(b))
}

func sign(less bool) int {
	if less {
		return -1
	}
	return 1
}
