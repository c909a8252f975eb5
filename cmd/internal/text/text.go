// Package text lays out text for people: cut, wrapped at spaces, in tables, and
// durations and sizes in words. All of it is functions from strings to strings; what is
// printed where is decided by the callers.
//
// Widths are in columns of a terminal, 0 for no limit, and each character counts as one
// column: wide and combining characters are not told apart.
package text

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// Middle cuts s to n characters by leaving out its middle, since names differ at their
// beginning and at their end: the row in render[eks,17] is kept whole if it fits. Below
// three characters there is no room for that, and s stays as it is.
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

// Width is how many columns s takes. Colours, escape sequences that end in m, take none;
// without that, coloured cells of a table would be padded too little.
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

// Wrap breaks s at spaces into lines of at most width columns; all but the first of each
// line of s begin with indent. A longer word stays whole, for digests and addresses are
// copied from the terminal. Width 0 means no limit. The result has at least one line.
func Wrap(s string, width int, indent string) []string {
	var out []string
	for _, line := range strings.Split(s, "\n") {
		out = append(out, wrapLine(line, width, indent)...)
	}
	return out
}

// wrapLine is Wrap for one line. It ends for any width, even one below that of indent:
// lastSpace skips the indentation, so that every round takes at least one word.
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

// lastSpace is where s breaks, as an index in bytes: the last space that leaves at most
// width columns before it, else the first one; -1 if no word would be left on either
// side. Spaces that indent s do not count.
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

// Reflow fits a page of help into width columns: paragraphs are filled again, and text
// beside a column of names continues below its own beginning. A line that begins with a
// space is not part of a paragraph, nor is one that follows a line that ends in a colon.
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

// hang wraps a line of help. Text beside a name continues below its own beginning, or
// begins below the name if the name takes more than half of the width. An example stays
// one command that can be copied: its lines end in a backslash, for which two columns are
// kept free.
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

// Duration is d for people: 40ms, 1.2s, 3m05s, 2h07m. A negative one, from a clock that
// was set back, is 0ms.
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
