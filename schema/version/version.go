// Package version reads and orders the version numbers found on clusters:
// Kubernetes, kernels, drivers, firmware, container runtimes, charts.
//
//	version = [ name "://" ] [ "v" ] parts [ pre ] [ build ]
//	parts   = number { "." number }          1.33.5, 580.105.08, 24.04
//	        | five pairs of hex digits       96.00.D9.00.05, the BIOS of a GPU
//	pre     = ( "-" | "~" ) word [ "." ] [ number ]    word: alpha beta preview pre rc dev
//	build   = ( "-" | "+" | "~" ) item { separator item }
//	item    = number | word | hash
//
// The first word of a build is its distribution: gke in 1.34.3-gke.1318000,
// rke2 in 1.33.5+rke2r1, aws in 6.14.0-1018-aws, el in 5.14.0-427.el9, ds in
// 1.6.20~ds1. Builds are compared from the left: numbers by size, a word
// sorts before a number (427.el9 before 427.13.1.el9_4), and words are equal
// or not. An architecture at the end (x86_64, amd64) is left out.
//
// A build takes part in a comparison when the expectation has one, and only
// within its distribution; package constraint holds to that.
package version

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/NVIDIA/eidos/schema/pattern"
)

// Limits: longer ones are not versions of anything.
const (
	maxParts  = 8
	maxDigits = 18 // fits an int64; byte counts are compared as one-part versions
	maxLen    = 256
)

// Version is numbers between dots, perhaps a pre-release, perhaps the build of
// a distribution. The zero Version is invalid; make one with Parse.
type Version struct {
	Scheme string // "containerd" of containerd://1.7.23
	Parts  []Part // 1.33.5 → [1 33 5]; at least one
	Pre    string // "rc.1", "alpha.2", "beta"; "" for a release
	Suffix string // the build as it is written: "-eks-3025e55", "+k3s1"
	Build  []Item // the build as it is compared
}

// Part is one number of a version. Two hex digits with a letter come between
// the numbers that two decimal digits make: 99 < 9A < 9F < A0 < FF < 100.
type Part struct {
	Number int64
	Hex    int8 // 0 for a decimal number
}

var vbios = pattern.New(`^[0-9A-Fa-f]{2}(\.[0-9A-Fa-f]{2}){4}$`)

// Parse reads 1.33.5, v1.33.5-eks-3025e55, 6.8.0-1028-aws, 1.34.0-rc.1, 24.04.
// A leading v is ignored. Negative, missing and over-long parts are errors.
func Parse(s string) (Version, error) {
	if len(s) > maxLen {
		return Version{}, fmt.Errorf("a version of %d characters is over the limit of %d", len(s), maxLen)
	}
	rest := s
	var v Version
	if name, after, ok := strings.Cut(s, "://"); ok && name != "" && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == "" {
		v.Scheme, rest = name, after
	}
	if len(rest) > 1 && (rest[0] == 'v' || rest[0] == 'V') {
		rest = rest[1:]
	}
	numbers := rest
	if i := strings.IndexAny(rest, "-+~"); i >= 0 {
		numbers = rest[:i]
		v.Pre, v.Suffix = prerelease(rest[i:])
		var err error
		if v.Build, err = parseBuild(v.Suffix); err != nil {
			return Version{}, fmt.Errorf("%q is not a version: %w", s, err)
		}
	}
	hex := vbios.MatchString(numbers)
	for _, part := range strings.Split(numbers, ".") {
		p, err := parsePart(part, hex)
		if err != nil {
			return Version{}, fmt.Errorf("%q is not a version: %w", s, err)
		}
		v.Parts = append(v.Parts, p)
	}
	if len(v.Parts) > maxParts {
		return Version{}, fmt.Errorf("%q is not a version: more than %d parts", s, maxParts)
	}
	return v, nil
}

func parsePart(part string, hex bool) (Part, error) {
	if hex && strings.Trim(part, "0123456789") != "" {
		n, err := strconv.ParseUint(part, 16, 8)
		if err != nil {
			return Part{}, err
		}
		high, low := int64(n>>4), int64(n&15)
		if high < 10 {
			return Part{high*10 + 9, int8(low - 9)}, nil
		}
		return Part{99, int8(7 + (high-10)*16 + low)}, nil
	}
	n, err := parseNumber(part)
	return Part{Number: n}, err
}

func parseNumber(part string) (int64, error) {
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
	if tail[0] == '+' {
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
		if (rest != "" && !strings.ContainsRune("-+~.", rune(rest[0]))) || len(digits) > maxDigits {
			continue
		}
		if digits == "" {
			return word, rest
		}
		return word + "." + digits, rest
	}
	return "", tail
}

// String is the version without scheme, v and suffix.
func (v Version) String() string {
	var b strings.Builder
	hex := slices.ContainsFunc(v.Parts, func(p Part) bool { return p.Hex > 0 })
	for i, p := range v.Parts {
		if i > 0 {
			b.WriteByte('.')
		}
		switch {
		case p.Hex > 6:
			fmt.Fprintf(&b, "%02X", 160+int(p.Hex)-7)
		case p.Hex > 0:
			fmt.Fprintf(&b, "%02X", p.Number/10*16+9+int64(p.Hex))
		case hex:
			fmt.Fprintf(&b, "%02d", p.Number)
		default:
			b.WriteString(strconv.FormatInt(p.Number, 10))
		}
	}
	if v.Pre != "" {
		b.WriteString("-" + v.Pre)
	}
	return b.String()
}

// Compare returns -1, 0 or 1. Missing parts count as 0; a pre-release sorts
// before its release; builds take no part.
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
func CompareParts(a, b []Part) int {
	for i := range max(len(a), len(b)) {
		var x, y Part
		if i < len(a) {
			x = a[i]
		}
		if i < len(b) {
			y = b[i]
		}
		if x != y {
			return sign(x.Number < y.Number || x.Number == y.Number && x.Hex < y.Hex)
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
