package collect

import (
	"io/fs"
	"strings"

	"github.com/NVIDIA/eidos/schema"
)

// readGrub reads the kernel's command line.
func readGrub(root fs.FS) (Reading, error) {
	text, err := readFile(root, "proc/cmdline", 64<<10)
	if err != nil {
		return Reading{}, err
	}
	return one("grub", parseCmdline(string(text))), nil
}

// parseCmdline reads a kernel command line: words between spaces, with double
// quotes around a value or a whole word that holds spaces. A word without "="
// has the value ""; a key that comes more than once has all its values, in
// order, with a space between. The root device is left out, as it names a disk
// of this one host, and so is whatever mask says is secret.
func parseCmdline(text string) map[string]schema.Scalar {
	values := map[string][]string{}
	for _, word := range splitCmdline(text) {
		key, value, _ := strings.Cut(word, "=")
		if strings.Trim(key, "-") == "" || key == "root" {
			continue // "--" separates the arguments of init
		}
		values[key] = append(values[key], maskValue(key, value))
	}
	data := map[string]schema.Scalar{}
	for k, v := range values {
		data[strings.ToValidUTF8(k, "�")] = strings.ToValidUTF8(strings.Join(v, " "), "�")
	}
	return data
}

func splitCmdline(text string) []string {
	var words []string
	var b strings.Builder
	quoted, in := false, false
	flush := func() {
		if in {
			words = append(words, b.String())
		}
		b.Reset()
		in = false
	}
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			quoted, in = !quoted, true
		case !quoted && (c == ' ' || c == '\t' || c == '\n'):
			flush()
		default:
			b.WriteByte(c)
			in = true
		}
	}
	flush()
	return words
}
