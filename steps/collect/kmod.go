package collect

import (
	"io/fs"
	"strings"

	"github.com/NVIDIA/eidos/schema"
)

// readKmod lists the loaded kernel modules, the first word of each line of
// /proc/modules. Sizes, use counts and addresses change from boot to boot and
// are left out.
func readKmod(root fs.FS) (Reading, error) {
	text, err := readFile(root, "proc/modules", 4<<20)
	if err != nil {
		return Reading{}, err
	}
	return one("kmod", parseModules(string(text))), nil
}

func parseModules(text string) map[string]schema.Scalar {
	data := map[string]schema.Scalar{}
	for line := range strings.Lines(text) {
		if f := strings.Fields(line); len(f) > 0 {
			data[strings.ToValidUTF8(f[0], "�")] = true
		}
	}
	return data
}
