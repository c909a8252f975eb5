package detect

import (
	"slices"
	"strings"

	"github.com/NVIDIA/eidos/recipes"
)

// like reports whether text is as pattern says, in which * is any text. Letters
// match in either case.
func like(text, pattern string) bool {
	parts := strings.Split(strings.ToLower(pattern), "*")
	text = strings.ToLower(text)
	if len(parts) == 1 {
		return text == parts[0]
	}
	text, ok := strings.CutPrefix(text, parts[0])
	if !ok {
		return false
	}
	for _, p := range parts[1 : len(parts)-1] {
		at := strings.Index(text, p)
		if at < 0 {
			return false
		}
		text = text[at+len(p):]
	}
	return strings.HasSuffix(text, parts[len(parts)-1])
}

// likeAny reports whether text is like one of patterns; none is what it returns
// where there are no patterns.
func likeAny(text string, patterns []string, none bool) bool {
	if len(patterns) == 0 {
		return none
	}
	return slices.ContainsFunc(patterns, func(p string) bool { return like(text, p) })
}

// between is what text has between before and after.
func between(text, before, after string) (string, bool) {
	text, ok := strings.CutPrefix(text, before)
	if !ok {
		return "", false
	}
	return strings.CutSuffix(text, after)
}

// covering returns the words that cover a name: those of which the name has all
// the parts one after the other, L40S is not an L40. Of several, those that say
// the most: "Red Hat Enterprise Linux CoreOS" is more than "Red Hat Enterprise
// Linux".
func covering(words []recipes.Word, name string) []string {
	have := parts(name)
	var out []string
	most := 0
	for _, w := range words {
		for _, c := range w.Covers {
			want := parts(c)
			if len(want) < most || !within(want, have) {
				continue
			}
			if len(want) > most {
				most, out = len(want), nil
			}
			if !slices.Contains(out, w.Name) {
				out = append(out, w.Name)
			}
		}
	}
	return out
}

// parts are the runs of letters and digits in text, in lower case.
func parts(text string) []string {
	return strings.FieldsFunc(strings.ToLower(text), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9')
	})
}

// within reports whether have holds want as consecutive parts.
func within(want, have []string) bool {
	for i := 0; i+len(want) <= len(have); i++ {
		if slices.Equal(want, have[i:i+len(want)]) {
			return true
		}
	}
	return false
}
