package version

import (
	"fmt"
	"strings"

	"github.com/NVIDIA/eidos/schema/pattern"
)

// Item is a number or a word of a build.
type Item struct {
	Number int64
	Word   string // lower case; "" for a number
}

var (
	// hash is a commit or a digest, which is one word however it looks.
	hash = pattern.New(`^g?[0-9a-f]{7,40}$`)
	// date is YYYYMMDD, which is a number though it looks like a hash.
	date = pattern.New(`^20[0-9]{6}$`)
	// named are the words that hold digits of their own, with the number that
	// follows them.
	named = pattern.New(`^(?:(rke2)r|(k3s)|(k0s)|el[0-9]+(uek))([0-9]*)$`)
	// run is a number or a word within an item: ds and 1 in ds1.
	run = pattern.New(`[0-9]+|[^0-9]+`)
	// machine is the architecture that packages end with.
	machine = pattern.New(`[-._+](x86_64|aarch64|amd64|arm64|noarch)$`)
)

// parseBuild reads "-gke.1318000" as gke, 1318000.
func parseBuild(suffix string) ([]Item, error) {
	suffix = machine.ReplaceAllString(strings.ToLower(suffix), "")
	var out []Item
	for _, text := range strings.FieldsFunc(suffix, separates) {
		m := named.FindStringSubmatch(text)
		switch {
		case m != nil:
			out = append(out, Item{Word: m[1] + m[2] + m[3] + m[4]})
			text = m[5]
		case isHash(text, out):
			out = append(out, Item{Word: text})
			continue
		}
		for _, m := range run.FindAllStringSubmatch(text, -1) {
			r := m[0]
			if r[0] < '0' || r[0] > '9' {
				out = append(out, Item{Word: r})
				continue
			}
			n, err := parseNumber(r)
			if err != nil {
				return nil, fmt.Errorf("in %q: %w", suffix, err)
			}
			out = append(out, Item{Number: n})
		}
	}
	return out, nil
}

// separates reports whether r stands between the items of a build.
func separates(r rune) bool { return strings.ContainsRune("-+~._:", r) }

// isHash reports whether an item is a hash and no number. After eks it is one
// even if it has no letter: 9017834.
func isHash(text string, before []Item) bool {
	if !hash.MatchString(text) || date.MatchString(text) {
		return false
	}
	return strings.Trim(text, "0123456789") != "" && strings.ContainsAny(text, "0123456789") ||
		len(before) == 1 && before[0].Word == "eks"
}

// Distribution is who made the build: gke, eks, rke2, aws, el; "" if the
// version does not say.
func (v Version) Distribution() string {
	if i := v.distribution(); i >= 0 {
		return v.Build[i].Word
	}
	return ""
}

func (v Version) distribution() int {
	for i, it := range v.Build {
		if it.Word != "" && !hash.MatchString(it.Word) {
			return i
		}
	}
	return -1
}

// Ordered is the beginning of v's build that has an order: up to the first
// word, a hash perhaps, other than the distribution.
func (v Version) Ordered() []Item {
	of := v.distribution()
	for i, it := range v.Build {
		if it.Word != "" && i != of {
			return v.Build[:i]
		}
	}
	return v.Build
}

// CompareItems compares builds from the left; a word sorts before a number,
// and what is the beginning of another before that.
func CompareItems(a, b []Item) int {
	for i := range min(len(a), len(b)) {
		x, y := a[i], b[i]
		switch {
		case x == y:
			continue
		case (x.Word == "") != (y.Word == ""):
			return sign(x.Word != "")
		}
		return sign(x.Number < y.Number || x.Word < y.Word)
	}
	if len(a) == len(b) {
		return 0
	}
	return sign(len(a) < len(b))
}
