package schema

import (
	"fmt"
	"strings"
	"unicode"
)

// maxListed is how many words a hint or a message lists at most.
const maxListed = 20

// Nearest returns the word of known that got was most likely meant to be, or
// "" if none is really near. Case, "-", "_" and spaces do not count. A word is
// near if
//   - got is the beginning of it, of three letters or more, or
//   - it is one typing error away from got for every four letters begun, none
//     in words of one or two letters. A typing error inserts, deletes or
//     replaces a letter or swaps two neighbours.
//
// Digits are never typing errors: v1 is not v2, and step3 not step4. Words for
// hardware and products have no nearest one at all: see CriteriaHint.
func Nearest(got string, known []string) string {
	g := plainWord(got)
	best, dist := "", 0
	for _, k := range known {
		// Of equals the first in the alphabet, whatever the order of known.
		if d := near(g, plainWord(k)); d >= 0 && (best == "" || d < dist || d == dist && k < best) {
			best, dist = k, d
		}
	}
	return best
}

// near is how far word is from got, both plain; negative if it is not near.
// A word that got begins is further away than any typing error.
func near(got, word string) int {
	const prefix = 100
	if got == "" || word == "" || len(got) > 100 || len(word) > 100 {
		return -1
	}
	if d := len(word) - len(got); d > 0 && len(got) >= 3 && word[:len(got)] == got {
		return prefix + d
	}
	allowed := 0
	if len(got) > 2 {
		allowed = (len(got) + 3) / 4
		if len(got) <= 5 {
			allowed = 1
		}
	}
	if d := len(got) - len(word); d > allowed || -d > allowed || digits(got) != digits(word) {
		return -1
	}
	if d := distance(got, word); d <= allowed && 2*d < len(word)+1 {
		return d
	}
	return -1
}

// plainWord is s in lower case without what joins the parts of a name.
func plainWord(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '-' || r == '_' || r == ' ' {
			return -1
		}
		return unicode.ToLower(r)
	}, s)
}

func digits(s string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
}

// nearest is the hint for an unknown word: the nearest one, or all of them.
func nearest(got string, known []string, all string) string {
	if n := Nearest(got, known); n != "" {
		return "did you mean " + n + "?"
	}
	return all + orList(known)
}

// Suggest is the hint for an unknown word: "did you mean X?", or what there is.
func Suggest(got string, known []string) string { return nearest(got, known, "use ") }

// CriteriaHint is the hint for an unknown word of the criteria: the words that
// there are, and how to add one. It suggests none of them: one letter away from
// a product is another product (h200 and b200, rke2 and gke).
func CriteriaHint(words []string) string {
	return "use " + orList(words) + "; docs/site.md says how to add a word"
}

// orList joins words for a sentence, the first twenty of them.
func orList(words []string) string {
	if n := len(words) - maxListed; n > 0 {
		return strings.Join(words[:maxListed], ", ") + fmt.Sprintf(" … and %s more", thousands(n))
	}
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}

// distance is the number of letters to insert, delete, replace or swap with
// their neighbour to get from a to b (optimal string alignment). Both are at
// most 100 bytes long.
func distance(a, b string) int {
	var rows [3][101]int
	prev2, prev, cur := rows[0][:len(b)+1], rows[1][:len(b)+1], rows[2][:len(b)+1]
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], prev2[j-2]+1)
			}
		}
		prev2, prev, cur = prev, cur, prev2
	}
	return prev[len(b)]
}
