package collect

import (
	"errors"
	"io/fs"
	"strings"

	"github.com/NVIDIA/eidos/schema"
)

// readRelease reads the keys of os-release, where os-release(5) says it lies.
func readRelease(root fs.FS) (Reading, error) {
	data, err := readFile(root, "etc/os-release", 64<<10)
	if errors.Is(err, fs.ErrNotExist) {
		data, err = readFile(root, "usr/lib/os-release", 64<<10)
	}
	if err != nil {
		return Reading{}, err
	}
	return one("release", parseRelease(string(data))), nil
}

// parseRelease reads KEY=VALUE lines with the quoting of a POSIX shell, as
// os-release(5) defines them. A line that is neither is passed over, as the
// shell's readers of the file do.
func parseRelease(text string) map[string]schema.Scalar {
	data := map[string]schema.Scalar{}
	for line := range strings.Lines(text) {
		key, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		if !ok || key == "" || strings.HasPrefix(key, "#") || strings.ContainsAny(key, " \t\"'") {
			continue
		}
		data[strings.ToValidUTF8(key, "�")] = strings.ToValidUTF8(unquote(value), "�")
	}
	return data
}

// unquote removes shell quotes: in single quotes nothing is special; in double
// quotes, and outside, a backslash takes the next character as it is.
func unquote(s string) string {
	var b strings.Builder
	var quote byte
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case c == '\\' && quote != '\'' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}
