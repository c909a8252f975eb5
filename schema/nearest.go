package schema

import "strings"

// Nearest returns the word of known that is most likely meant by got, or "".
// It allows one typing error for every three letters.
func Nearest(got string, known []string) string {
	best, dist := "", len(got)/3+1
	for _, k := range known {
		// Of equals the first in the alphabet, whatever the order of known.
		if d := distance(strings.ToLower(got), strings.ToLower(k)); d < dist || d == dist && (best == "" || k < best) {
			best, dist = k, d
		}
	}
	return best
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

// distance is the number of letters to insert, delete, replace or swap with
// their neighbour to get from a to b (optimal string alignment).
func distance(a, b string) int {
	if len(a) > 100 || len(b) > 100 {
		return 100
	}
	prev2, prev, cur := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
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
