package story

import (
	"bufio"
	"io"
	"os"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/userfile"
)

const (
	excerptLimit = 16 << 20 // bytes of a file that are looked through
	excerptWidth = 100      // characters of a line that are shown, at most
)

// excerpts shows lines of files. Positions come in order, so each file is read
// once, forwards. The file is read as it is now: it may have changed since it was parsed,
// and then the line is one that the user has before them, if not the one meant.
type excerpts struct {
	columns int // that a line may have, 0 for no limit
	name    string
	file    *os.File
	r       *bufio.Reader
	line    int    // of text, from 1; 0 before the first
	text    string // without what ends it
	key     bool   // text is part of a key in PEM form
}

func (x *excerpts) close() {
	if x.file != nil {
		_ = x.file.Close()
	}
	*x = excerpts{columns: x.columns}
}

// at is the line that a position, FILE:LINE:COLUMN, names and a mark below it;
// "" if there is no such file, as it came from standard input or a registry,
// and if the line may hold a key or token. Columns are characters, from 1.
func (x *excerpts) at(pos string) string {
	rest, col, ok := lastNumber(pos)
	file, line, ok2 := lastNumber(rest)
	if !ok || !ok2 {
		return ""
	}
	text, ok := x.read(file, line)
	if !ok || !utf8.ValidString(text) {
		return ""
	}
	number := strconv.Itoa(line)
	width := excerptWidth
	if x.columns > 0 {
		width = max(min(width, x.columns-len(number)-7), 8) // beside "  1 | ", two dots
	}
	runes := []rune(text)
	if col > len(runes)+1 {
		return ""
	}
	at, before, after := col-1, "", ""
	if from := at - width/2; from > 0 && len(runes) > width {
		runes, at, before = runes[from:], at-from, "…"
	}
	if len(runes) > width {
		runes, after = runes[:width], "…"
	}
	pad := strings.Map(func(r rune) rune { // tabs stay, so that the mark stands right
		if r == '\t' {
			return r
		}
		return ' '
	}, before+string(runes[:at]))
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

// read returns line n of a regular file, from 1, without what a terminal would
// take for commands.
func (x *excerpts) read(file string, n int) (string, bool) {
	if x.name != file || n < x.line {
		x.close()
		x.name = file
		f, err := userfile.Open(file) // not a pipe: this would read what another waits for
		if err != nil {
			return "", false
		}
		x.file = f
		x.r = bufio.NewReader(io.LimitReader(x.file, excerptLimit))
	}
	for x.r != nil && x.line < n {
		text, err := x.r.ReadString('\n')
		x.line++
		x.text = strings.TrimRight(text, "\r\n")
		inside := x.key || strings.Contains(text, "-----BEGIN ")
		x.key = inside && !strings.Contains(text, "-----END ")
		if inside || schema.LooksSecret(text) {
			x.text = ""
		}
		if err != nil && x.line < n {
			x.text, x.line = "", n
		}
	}
	clean := strings.Map(func(c rune) rune {
		if c < ' ' && c != '\t' || c == 0x7f {
			return '?'
		}
		return c
	}, x.text)
	return clean, strings.TrimSpace(clean) != ""
}
