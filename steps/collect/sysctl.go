package collect

import (
	"fmt"
	"io/fs"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/NVIDIA/eidos/schema"
)

// sysctlLimit is the longest value kept, in bytes; the kernel's own are under a
// page, lists of file systems and devices a few.
const sysctlLimit = 64 << 10

// readSysctl reads every readable entry under /proc/sys but net, which is per
// network namespace and holds addresses. Keys are full paths.
func readSysctl(root fs.FS) (Reading, error) {
	data := map[string]schema.Scalar{}
	unread := 0
	err := fs.WalkDir(root, "proc/sys", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil && name == "proc/sys":
			return err
		case err != nil:
			unread++ // a directory that only others may list
			return fs.SkipDir
		case skipSysctl(name) && d.IsDir():
			return fs.SkipDir
		case skipSysctl(name) || d.IsDir():
			return nil
		}
		value, err := readFile(root, name, sysctlLimit)
		if err != nil || !utf8.Valid(value) {
			unread++ // write-only, for root only, or gone meanwhile
			return nil
		}
		data["/"+name] = strings.TrimRight(string(value), "\n")
		return nil
	})
	if err != nil {
		return Reading{}, err
	}
	r := one("sysctl", data)
	if unread > 0 {
		r.Note = fmt.Sprintf("%d entries not readable", unread)
	}
	return r, nil
}

// skipSysctl leaves out net (see readSysctl), binfmt_misc (reading it can
// mount a file system), stat_refresh (reading it interrupts every CPU) and
// uuid (random, different at every reading).
func skipSysctl(name string) bool {
	switch path.Clean(name) {
	case "proc/sys/net", "proc/sys/fs/binfmt_misc", "proc/sys/vm/stat_refresh", "proc/sys/kernel/random/uuid":
		return true
	}
	return false
}
