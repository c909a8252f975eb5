package story

import (
	"bufio"
	"io"
	"os"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	excerptLimit = 16 << 20 // bytes of a file that are looked through
	excerptWidth = 100      // characters of a line that are shown
)

// excerpt is the line that a position, FILE:LINE:COLUMN, names and a mark below
// it; "" if there is no such file: it came from standard input, or a registry.
// Columns are characters, from 1.
func excerpt(pos string) string {
	rest, col, ok := lastNumber(pos)
	file, line, ok2 := lastNumber(rest)
	if !ok || !ok2 {
		return ""
	}
	text, ok := readLine(file, line)
	if !ok || !utf8.ValidString(text) {
		return ""
	}
	runes := []rune(text)
	if col > len(runes)+1 {
		return ""
	}
	at, before, after := col-1, "", ""
	if from := at - excerptWidth/2; from > 0 && len(runes) > excerptWidth {
		runes, at, before = runes[from:], at-from, "…"
	}
	if len(runes) > excerptWidth {
		runes, after = runes[:excerptWidth], "…"
	}
	pad := strings.Map(func(r rune) rune { // tabs stay, so that the mark stands right
		if r == '\t' {
			return r
		}
		return ' '
	}, before+string(runes[:at]))
	number := strconv.Itoa(line)
	return "  " + number + " | " + before + string(runes) + after + "\n  " + strings.Repeat(" ", len(number)) + " | " + pad + "^\n"
}

// lastNumber cuts NUMBER from the end of REST:NUMBER.
func lastNumber(s string) (rest string, n int, ok bool) {
	i := strings.LastIndexByte(s, ':')
	if i < 1 {
		return "", 0, false
	}
	n, err := strconv.Atoi(s[i+1:])
	return s[:i], n, err == nil && n > 0
}

// readLine returns line n of a regular file, from 1, without what a terminal
// would take for commands.
func readLine(file string, n int) (string, bool) {
	info, err := os.Stat(file)
	if err != nil || !info.Mode().IsRegular() {
		return "", false
	}
	f, err := os.Open(file)
	if err != nil {
		return "", false
	}
	defer f.Close()
	r := bufio.NewReader(io.LimitReader(f, excerptLimit))
	for ; ; n-- {
		text, err := r.ReadString('\n')
		if n == 1 {
			clean := strings.Map(func(c rune) rune {
				if c < ' ' && c != '\t' || c == 0x7f {
					return '?'
				}
				return c
			}, strings.TrimRight(text, "\r\n"))
			return clean, strings.TrimSpace(clean) != ""
		}
		if err != nil {
			return "", false
		}
	}
}
