package main

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// module is one that packages are linked from.
type module struct {
	path, version string
	dir           string
	files         []string // with its licences, below dir, sorted
}

// builds are what releases link: the packages, where, and for which platform. NVML
// and PKCS #11 need cgo.
var builds = []struct {
	dir, platform, cgo string
	packages           []string
}{
	{".", "linux/amd64", "1", []string{"./cmd/eidos", "./cmd/eidosd", "./cmd/eidos-sigstore"}},
	{".", "darwin/arm64", "0", []string{"./cmd/eidos", "./cmd/eidos-sigstore"}},
	{"cmd/eidos-kms", "linux/amd64", "1", []string{"."}},
}

const own = "github.com/NVIDIA/eidos"

// licenceFile is the name of a file that says what others may do with code; that of
// documentation, LICENSE.docs, does not.
var licenceFile = regexp.MustCompile(`(?i)^(licen[cs]e|copying|unlicense|notice)([.-].*)?$`)

// linked returns the modules that releases are linked from, sorted by path and
// version, the standard library first.
func linked(root string) ([]module, error) {
	type origin struct{ path, version, dir string }
	dirs := map[origin]map[string]bool{} // of their packages
	for _, b := range builds {
		goos, goarch, _ := strings.Cut(b.platform, "/")
		args := append([]string{"list", "-deps", "-f", "{{with .Module}}{{.Path}}\t{{.Version}}\t{{.Dir}}{{end}}\t{{.Dir}}"}, b.packages...)
		c := exec.Command("go", args...)
		c.Dir = filepath.Join(root, b.dir)
		c.Env = append(os.Environ(), "GOOS="+goos, "GOARCH="+goarch, "CGO_ENABLED="+b.cgo)
		var wrong bytes.Buffer
		c.Stderr = &wrong
		out, err := c.Output()
		if err != nil {
			return nil, fmt.Errorf("listing what %s is linked from: %w\n%s", strings.Join(b.packages, " "), err, wrong.Bytes())
		}
		for line := range strings.Lines(string(out)) {
			f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
			if len(f) != 4 || strings.HasPrefix(f[0], own) {
				continue
			}
			m := origin{f[0], f[1], f[2]}
			if dirs[m] == nil {
				dirs[m] = map[string]bool{}
			}
			dirs[m][f[3]] = true
		}
	}
	goroot, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return nil, fmt.Errorf("finding the standard library: %w", err)
	}
	std := origin{path: "std", dir: strings.TrimSpace(string(goroot))}
	dirs[std] = map[string]bool{std.dir: true}
	var out []module
	for m, packages := range dirs {
		files, err := licenceFiles(m.dir, slices.Collect(maps.Keys(packages)))
		if err != nil {
			return nil, err
		}
		out = append(out, module{m.path, m.version, m.dir, files})
	}
	slices.SortFunc(out, func(a, b module) int {
		return strings.Compare(order(a), order(b))
	})
	return out, nil
}

func order(m module) string {
	if m.path == "std" {
		return ""
	}
	return m.path + " " + m.version
}

// licenceFiles are those of a module and of the directories above its packages that
// are linked: code of others that a module took over has a licence of its own there.
func licenceFiles(top string, packages []string) ([]string, error) {
	seen := map[string]bool{}
	var out []string
	for _, dir := range packages {
		for ; !seen[dir]; dir = filepath.Dir(dir) {
			seen[dir] = true
			entries, err := os.ReadDir(dir)
			if err != nil {
				return nil, err
			}
			for _, e := range entries {
				if e.Type().IsRegular() && licenceFile.MatchString(e.Name()) && filepath.Ext(e.Name()) != ".go" && filepath.Ext(e.Name()) != ".docs" {
					name, err := filepath.Rel(top, filepath.Join(dir, e.Name()))
					if err != nil {
						return nil, err
					}
					out = append(out, filepath.ToSlash(name))
				}
			}
			if dir == top {
				break
			}
		}
	}
	slices.Sort(out)
	return out, nil
}

// writeTexts writes each text once, after the modules that it is of.
func writeTexts(w io.Writer, modules []module) error {
	var order []string
	of := map[string][]string{} // by text
	for _, m := range modules {
		for _, f := range m.files {
			data, err := os.ReadFile(filepath.Join(m.dir, f))
			if err != nil {
				return err
			}
			text := strings.TrimSpace(strings.ReplaceAll(string(data), "\r\n", "\n"))
			if of[text] == nil {
				order = append(order, text)
			}
			of[text] = append(of[text], strings.TrimSpace(m.path+" "+m.version)+", "+f)
		}
	}
	fmt.Fprintln(w, "eidos is linked from the modules named here, whose authors ask for these texts to go with it.")
	for _, text := range order {
		if _, err := fmt.Fprintf(w, "\n%s\n%s\n%s\n\n%s\n", strings.Repeat("=", 80), strings.Join(of[text], "\n"), strings.Repeat("=", 80), text); err != nil {
			return err
		}
	}
	return nil
}
