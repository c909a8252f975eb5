package oci

import (
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/NVIDIA/eidos/schema"
)

// limits are how much a tree of files may hold.
type limits struct {
	files int
	bytes int64 // of all files together
	ratio int64 // unpacked to packed, above slack
	slack int64 // bytes; also for the archive's own headers
}

// standard limits are far above what a bundle needs and far below what hurts.
func standard() limits { return limits{files: 100_000, bytes: 8 << 30, ratio: 200, slack: 64 << 20} }

// CheckPath refuses a path that is not relative, clean and slash-separated, or
// that some system would read as something else. Errors are Invalid and name
// the path.
func CheckPath(p string) error {
	bad := func(why string) error { return schema.Errorf(schema.Invalid, "file %q: %s", p, why) }
	switch {
	case p == "" || p == ".":
		return bad("it has no name")
	case strings.HasPrefix(p, "/"):
		return bad("the path is absolute")
	case p == ".." || strings.HasPrefix(p, "../") || strings.Contains(p, "/../") || strings.HasSuffix(p, "/.."):
		return bad("the path leaves the tree")
	case path.Clean(p) != p:
		return bad("the path is not in its shortest form")
	case len(p) > 4096:
		return schema.Errorf(schema.Invalid, "file %q…: the path has more than 4096 bytes", p[:64])
	case !utf8.ValidString(p) || strings.ContainsFunc(p, unicode.IsControl):
		return bad("the path has characters that cannot be shown")
	case strings.ContainsAny(p, `\:`):
		return bad("the path has a backslash or a colon, which are separators on other systems")
	}
	for elem := range strings.SplitSeq(p, "/") {
		if len(elem) > 255 {
			return bad("a name in the path has more than 255 bytes")
		}
	}
	return nil
}

// CheckFiles refuses a list of files that no directory can hold: with a path
// that CheckPath refuses, one path twice, one that is a file and a directory,
// names that differ only in case, or more than the limits. All problems are reported at once, as Invalid.
func CheckFiles(files []schema.File) error { return standard().check(files) }

// onlyCase reports files and directories that are one on systems that ignore
// case: which of them one finds there depends on the order of writing.
func onlyCase(files []schema.File) []error {
	var errs []error
	spelled := make(map[string]string, len(files))
	for _, f := range files {
		for p := f.Path; p != "." && p != "/"; p = path.Dir(p) {
			folded := strings.ToLower(p)
			was, known := spelled[folded]
			if known && was == p {
				break // and its parents
			}
			if known {
				errs = append(errs, schema.Errorf(schema.Invalid, "file %q: %q and %q differ only in case", f.Path, was, p))
				break
			}
			spelled[folded] = p
		}
	}
	return errs
}

func (l limits) check(files []schema.File) error {
	if len(files) > l.files {
		return schema.Errorf(schema.Invalid, "%d files; at most %d are taken", len(files), l.files)
	}
	var errs []error
	var total int64
	seen := make(map[string]bool, len(files))
	for _, f := range files {
		if err := CheckPath(f.Path); err != nil {
			errs = append(errs, err)
			continue
		}
		if seen[f.Path] {
			errs = append(errs, schema.Errorf(schema.Invalid, "file %q is there twice", f.Path))
		}
		seen[f.Path] = true
		total += f.Size
	}
	for _, f := range files {
		for dir := path.Dir(f.Path); dir != "." && dir != "/"; dir = path.Dir(dir) {
			if seen[dir] {
				errs = append(errs, schema.Errorf(schema.Invalid, "file %q: %q is a file too", f.Path, dir))
				break
			}
		}
	}
	errs = append(errs, onlyCase(files)...)
	if total > l.bytes {
		errs = append(errs, schema.Errorf(schema.Invalid, "%d bytes in all; at most %d are taken", total, l.bytes))
	}
	return schema.Join(errs)
}
