package render

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"sort"
	"strings"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/pattern"
)

// Finding is one way in which a tree is not the bundle that was made.
type Finding struct {
	Path string
	What string // missing, changed, added, …
}

func (f Finding) String() string { return fmt.Sprintf("%s: %s", f.Path, f.What) }

// maxChecksums is the longest checksums.txt that is read.
const maxChecksums = 16 << 20 // bytes

var checksumLine = pattern.New(`^([0-9a-f]{64})  (.+)$`)

// VerifyTree compares a bundle's directory with its checksums.txt and returns
// everything that differs, sorted by path. The world is closed: a file that is
// not listed counts as added, no directory is empty, scripts are executable and
// nothing else is, and no two names differ only in case. NotFound if there is no
// checksums.txt, Invalid if it cannot be read as one.
func VerifyTree(tree fs.FS) ([]Finding, error) { return verifyTree(tree, wrongMode) }

// verifyTree is VerifyTree with a check of modes, which returns what is wrong.
func verifyTree(tree fs.FS, wrongMode func(name string, m fs.FileMode) string) ([]Finding, error) {
	want, err := readChecksums(tree)
	if err != nil {
		return nil, err
	}
	var out []Finding
	seen := map[string]bool{checksums: true}
	empty := map[string]bool{}     // directories in which nothing was found yet
	spelled := map[string]string{} // each path in lower case
	err = fs.WalkDir(tree, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("reading the bundle: %w", err)
		}
		if was, known := spelled[strings.ToLower(p)]; known {
			out = append(out, Finding{p, fmt.Sprintf("like %q but for case", was)})
		}
		spelled[strings.ToLower(p)] = p
		delete(empty, path.Dir(p))
		if d.IsDir() {
			empty[p] = p != "."
			return nil
		}
		if p != checksums || !d.Type().IsRegular() {
			seen[p] = true
		}
		if !d.Type().IsRegular() {
			out = append(out, Finding{p, "not a file"})
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return fmt.Errorf("reading the bundle: %w", err)
		}
		if what := wrongMode(p, info.Mode()); what != "" {
			out = append(out, Finding{p, what})
		}
		if p == checksums {
			return nil
		}
		if want[p] == "" {
			out = append(out, Finding{p, "added"})
			return nil
		}
		sum, err := hashFile(tree, p)
		if err != nil {
			return err
		}
		if sum != want[p] {
			out = append(out, Finding{p, "changed"})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for p := range want {
		if !seen[p] {
			out = append(out, Finding{p, "missing"})
		}
	}
	for p, is := range empty {
		if is {
			out = append(out, Finding{p + "/", "an empty directory"})
		}
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].Path < out[j].Path })
	return out, nil
}

// wrongMode returns what is wrong with the mode of a file of a bundle, or "".
func wrongMode(name string, m fs.FileMode) string {
	switch {
	case special(m) != "":
		return special(m)
	case m.Perm()&0o111 != 0 && !script(name):
		return "executable, and was not"
	case m.Perm()&0o111 == 0 && script(name):
		return "no longer executable"
	}
	return ""
}

// special returns what no file of any bundle may be, or "".
func special(m fs.FileMode) string {
	if m&(fs.ModeSetuid|fs.ModeSetgid|fs.ModeSticky) != 0 {
		return "set-user-id, set-group-id or sticky"
	}
	return ""
}

// ReadMetadata reads what bundle a directory holds. NotFound if it is none.
func ReadMetadata(tree fs.FS) (schema.BundleMetadata, error) {
	var m schema.BundleMetadata
	data, err := readFile(tree, metadataFile, maxFile)
	if err != nil {
		return m, err
	}
	return m, schema.Decode(metadataFile, data, &m)
}

// readChecksums returns the digests of checksums.txt by path.
func readChecksums(tree fs.FS) (map[string]string, error) {
	data, err := readFile(tree, checksums, maxChecksums)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	var errs []error
	for i, line := range bytes.Split(bytes.TrimSuffix(data, []byte("\n")), []byte("\n")) {
		pos := fmt.Sprintf("%s:%d:1", checksums, i+1)
		m := checksumLine.FindStringSubmatch(string(line))
		switch {
		case m == nil:
			errs = append(errs, schema.Errorf(schema.Invalid, "not a line of sha256sum").At(pos, ""))
		case !fs.ValidPath(m[2]) || m[2] == "." || m[2] == checksums || strings.Contains(m[2], `\`):
			errs = append(errs, schema.Errorf(schema.Invalid, "%q is not a path in a bundle", m[2]).At(pos, ""))
		case out[m[2]] != "":
			errs = append(errs, schema.Errorf(schema.Invalid, "%q is listed twice", m[2]).At(pos, ""))
		default:
			out[m[2]] = m[1]
		}
		if len(errs) == 10 {
			break
		}
	}
	return out, schema.Join(errs)
}

func readFile(tree fs.FS, name string, limit int64) ([]byte, error) {
	f, err := tree.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, schema.Errorf(schema.NotFound, "no %s: not a bundle", name).WithHint("name the directory that eidos bundle wrote")
	}
	if err != nil {
		return nil, fmt.Errorf("reading the bundle: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	if int64(len(data)) > limit {
		return nil, schema.Errorf(schema.Invalid, "%s is over the limit of %d MiB", name, limit>>20)
	}
	return data, nil
}

func hashFile(tree fs.FS, name string) (string, error) {
	f, err := tree.Open(name)
	if err != nil {
		return "", fmt.Errorf("reading the bundle: %w", err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("reading %s: %w", name, err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
