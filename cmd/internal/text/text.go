// Package text lays out words for people: cut, wrapped at spaces, in tables,
// and durations.
package text

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// Middle cuts s to n characters in its middle, so that what tells names apart
// survives: their beginning and their end, the row in render[eks,17].
func Middle(s string, n int) string {
	r := []rune(s)
	if len(r) <= n || n < 3 {
		return s
	}
	tail := (n - 1) / 2
	if i := strings.LastIndexByte(s, '['); i >= 0 && strings.HasSuffix(s, "]") {
		if row := utf8.RuneCountInString(s[i:]); row > tail {
			tail = min(row, n-3)
		}
	}
	return string(r[:n-1-tail]) + "…" + string(r[len(r)-tail:])
}

// Width is how many columns s takes; colours take none.
func Width(s string) int {
	n := 0
	for s != "" {
		if strings.HasPrefix(s, "\x1b[") {
			if end := strings.IndexByte(s, 'm'); end > 0 {
				s = s[end+1:]
				continue
			}
		}
		_, size := utf8.DecodeRuneInString(s)
		s = s[size:]
		n++
	}
	return n
}

// Wrap breaks s at spaces into lines of less than width columns; all but the
// first begin with indent. A longer word stays whole: digests and addresses are
// copied. Width 0 is no limit.
func Wrap(s string, width int, indent string) []string {
	var out []string
	for _, line := range strings.Split(s, "\n") {
		out = append(out, wrapLine(line, width, indent)...)
	}
	return out
}

func wrapLine(s string, width int, indent string) []string {
	var out []string
	for width > 0 && Width(s) > width {
		at := lastSpace(s, width)
		if at < 0 {
			break
		}
		out = append(out, strings.TrimRight(s[:at], " "))
		s = indent + strings.TrimLeft(s[at:], " ")
	}
	return append(out, s)
}

// lastSpace is where s breaks: the last space that leaves at most width columns
// before it, else the first one; -1 if no word would be left on either side.
func lastSpace(s string, width int) int {
	at := -1
	begin := len(s) - len(strings.TrimLeft(s, " "))
	for i := begin; i < len(s); i++ {
		if s[i] != ' ' {
			continue
		}
		if at >= 0 && Width(s[:i]) > width {
			break
		}
		at = i
	}
	if at < 0 || strings.TrimSpace(s[at:]) == "" {
		return -1
	}
	return at
}

// Reflow fits a page of help into width columns: paragraphs are filled anew, and
// what goes on after a column of names keeps below its beginning.
func Reflow(s string, width int) string {
	var out []string
	for _, line := range strings.Split(s, "\n") {
		last := len(out) - 1
		flush := line != "" && line[0] != ' ' // a line of a paragraph
		if width > 0 && flush && last >= 0 && out[last] != "" && out[last][0] != ' ' && !strings.HasSuffix(out[last], ":") {
			out[last] += " " + line
			continue
		}
		out = append(out, line)
	}
	var b strings.Builder
	for _, line := range out {
		for _, l := range hang(line, width) {
			b.WriteString(l + "\n")
		}
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// hang wraps a line of help. Text beside a name goes on below its beginning, or
// all of it below the name if that leaves less than half of the width. An example
// stays one command.
func hang(line string, width int) []string {
	words := strings.TrimLeft(line, " ")
	begin := len(line) - len(words)
	if begin == 0 || width <= 0 || Width(line) <= width {
		return Wrap(line, width, "")
	}
	if begin > width/2 { // goes on from the line before, in its column
		return Wrap("      "+words, width, "      ")
	}
	name, about, ok := strings.Cut(words, "  ")
	if !ok && strings.HasPrefix(words, "eidos ") && !strings.HasSuffix(words, "]") { // an example, to be copied
		lines := Wrap(line, width-2, strings.Repeat(" ", begin+4))
		for i := range lines[:len(lines)-1] {
			lines[i] += " \\"
		}
		return lines
	}
	if !ok || strings.HasPrefix(name, "-") && len(name) < 4 {
		return Wrap(line, width, strings.Repeat(" ", begin+4))
	}
	about = strings.TrimLeft(about, " ")
	if at := len(line) - len(about); at <= width/2 {
		return Wrap(line, width, strings.Repeat(" ", at))
	}
	return append([]string{line[:begin] + name}, Wrap(strings.Repeat(" ", begin+4)+about, width, strings.Repeat(" ", begin+4))...)
}

// List joins the first of some names with spaces and counts the rest.
func List(names []string, most int) string {
	if len(names) <= most {
		return strings.Join(names, " ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], " "), len(names)-most)
}

// Duration is d for people: 40ms, 1.2s, 3m05s, 2h07m.
func Duration(d time.Duration) string {
	switch {
	case d < 0:
		return "0ms"
	case d < time.Second:
		return fmt.Sprintf("%dms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1fs", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	}
	return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
}
