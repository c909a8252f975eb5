package schema

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/NVIDIA/eidos/schema/pattern"
)

const (
	// maxEcho is how many characters of a value of the user's are printed.
	maxEcho = 80
	// maxWord is from how many characters on a word that is not quoted is taken
	// for such a value: file names and addresses are shorter.
	maxWord = 300

	hidden = "(looks like a key or token, not shown)"
)

// Safe returns text as it may be printed: what looks like a key or token is
// replaced, and quoted values are cut at 80 characters. Every message of an
// Error is safe; what is printed in another way goes through here. Safe text
// stays as it is.
func Safe(text string) string {
	if len(text) > 1000 {
		text = cutValues(text, 1000) // the rest of this would take its time
	}
	return cutValues(hideSecrets(text), maxEcho)
}

// Printable returns text as one line that does not control a terminal: line breaks and
// tabs become spaces, carriage returns go, every other character that is not printed
// becomes a question mark. What was measured, or another program wrote, goes through here
// before people see it.
func Printable(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case r == '\r':
			return -1
		case !unicode.IsPrint(r):
			return '?'
		}
		return r
	}, text)
}

// PrintableLines is Printable for each line of text.
func PrintableLines(text string) string {
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		lines[i] = Printable(l)
	}
	return strings.Join(lines, "\n")
}

// LooksSecret reports whether text holds what looks like a key or token.
func LooksSecret(text string) bool { return hideSecrets(text) != text }

// secretForms are the forms of keys and tokens that can be told by themselves.
// If a form has a group, that is what stays of it.
var secretForms = []struct {
	mark string // text without this has nothing of the form; for speed
	form *pattern.Pattern
}{
	{"-----BEGIN", pattern.New(`-----BEGIN [A-Z0-9 ]+(?:-----[^"]*?-----END [A-Z0-9 ]+-----|[^"]*)`)},
	{"eyJ", pattern.New(`\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*)?`)},
	{"A", pattern.New(`\b(?:AKIA|ASIA|AIDA|AROA)[A-Z0-9]{12,}`)},
	{"AIza", pattern.New(`\bAIza[A-Za-z0-9_-]{20,}`)},
	{"AGE-SECRET-KEY", pattern.New(`AGE-SECRET-KEY-1[A-Z0-9]+`)},
	{"gh", pattern.New(`\bgh[opsru]_[A-Za-z0-9]{16,}`)},
	{"xox", pattern.New(`\bxox[a-z]-[A-Za-z0-9-]{8,}`)},
	{"_", pattern.New(`\b(?:github_pat|dckr_pat|npm|hf)_[A-Za-z0-9_-]{16,}`)},
	{"-", pattern.New(`\b(?:glpat|nvapi|sk)-[A-Za-z0-9_-]{20,}`)},
	{"pin-value=", pattern.New(`(\bpin-value=)[^&;\s"(][^&;\s"]*`)}, // of a PKCS #11 URI
	{"@", pattern.New(`(://[^/\s:@"]*:)[^/\s@"]+@`)},
}

// Values that are hidden if they also look random: beside a word for secrets,
// and anywhere.
var (
	besideWord = pattern.New(`(?i)(?:passw(?:or)?d|passphrase|secret|token|credential|bearer|auth|(?:api|access|private)[-_ ]?key)[a-z_-]{0,12}["'\\]*\s*[:=]?\s*["'\\]*([A-Za-z0-9+/_=.~-]{16,})`)
	longRun    = pattern.New(`[A-Za-z0-9+/_=-]{40,}`)
)

func hideSecrets(text string) string {
	for _, s := range secretForms {
		if strings.Contains(text, s.mark) {
			text = s.form.ReplaceAllString(text, "${1}"+hidden)
		}
	}
	if len(text) < 16 {
		return text
	}
	text = replaceGroup(besideWord, text, func(v string) bool {
		return random(v, 16) || len(v) >= 32 && strings.Trim(strings.ToLower(v), "0123456789abcdef") == "" && classes(v) > 1
	})
	return replaceGroup(longRun, text, func(v string) bool {
		for _, part := range strings.FieldsFunc(v, func(r rune) bool { return strings.ContainsRune("/_-", r) }) {
			if random(part, 32) {
				return true
			}
		}
		return false
	})
}

// replaceGroup hides the last group of each match that is secret.
func replaceGroup(re *pattern.Pattern, text string, secret func(string) bool) string {
	var b strings.Builder
	done := 0
	for _, m := range re.FindAllStringSubmatchIndex(text, -1) {
		from, to := m[len(m)-2], m[len(m)-1]
		if secret(text[from:to]) {
			b.WriteString(text[done:from] + hidden)
			done = to
		}
	}
	return b.String() + text[done:]
}

// random reports whether s, of n bytes at least, looks as if chance had chosen
// it: capitals, small letters and digits, changing more often than in names.
func random(s string, n int) bool {
	if len(s) < n || classes(s) < 3 {
		return false
	}
	changes := 0
	for i := 1; i < len(s); i++ {
		if class(s[i]) != class(s[i-1]) {
			changes++
		}
	}
	return changes*5 >= len(s)*2
}

func classes(s string) int {
	seen := map[byte]bool{}
	for i := range len(s) {
		if c := class(s[i]); c != 0 {
			seen[c] = true
		}
	}
	return len(seen)
}

func class(c byte) byte {
	switch {
	case 'A' <= c && c <= 'Z':
		return 'A'
	case 'a' <= c && c <= 'z':
		return 'a'
	case '0' <= c && c <= '9':
		return '0'
	}
	return 0
}

// cutValues cuts what stands between double quotes in one line at n characters,
// and words of more than maxWord.
func cutValues(text string, n int) string {
	if len(text) <= n {
		return text
	}
	var b strings.Builder
	for {
		from := strings.IndexByte(text, '"')
		if from < 0 {
			break
		}
		from++
		if end := closingQuote(text[from:]); end >= 0 {
			cutWords(&b, text[:from], n)
			b.WriteString(cut(text[from:from+end], n) + `"`)
			text = text[from+end+1:]
			continue
		}
		if end := strings.IndexByte(text[from:], '\n'); end >= 0 {
			from += end + 1
		} else {
			from = len(text)
		}
		cutWords(&b, text[:from], n)
		text = text[from:]
	}
	cutWords(&b, text, n)
	return b.String()
}

// closingQuote is where a quoted value that begins s ends, -1 if nowhere in
// this line.
func closingQuote(s string) int {
	for i := 0; i < len(s) && s[i] != '\n'; i++ {
		switch s[i] {
		case '"':
			return i
		case '\\':
			i++
		}
	}
	return -1
}

func cutWords(b *strings.Builder, text string, n int) {
	for len(text) > maxWord {
		i := strings.IndexAny(text, " \n")
		if i < 0 {
			i = len(text)
		}
		word := text[:i]
		if utf8.RuneCountInString(word) > maxWord {
			word = cut(word, n)
		}
		b.WriteString(word)
		rest := min(i+1, len(text))
		b.WriteString(text[i:rest])
		text = text[rest:]
	}
	b.WriteString(text)
}

// cut returns s with n characters at most, the last "…" if some are left out. Of
// a path or reference the middle is left out: its end is what tells it from
// others. A digest at the end does not count, for half of one is of no use.
func cut(s string, n int) string {
	if len(s) <= n || utf8.RuneCountInString(s) <= n {
		return s
	}
	if strings.Contains(s, "/") && !strings.ContainsAny(s, " \\") {
		name, digest := s, ""
		if i := strings.LastIndex(s, "@sha256:"); i >= 0 && len(s)-i == len("@sha256:")+64 {
			name, digest = s[:i], s[i:]
		}
		r := []rune(name)
		if len(r) <= n {
			return s
		}
		return string(r[:n/2-1]) + "…" + string(r[len(r)-n/2:]) + digest
	}
	for i := range s {
		if n--; n == 0 {
			s = s[:i]
			break
		}
	}
	// An escape sequence is not cut behind its backslash.
	if t := strings.TrimRight(s, `\`); (len(s)-len(t))%2 == 1 {
		s = s[:len(s)-1]
	}
	return s + "…"
}
