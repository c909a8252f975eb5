package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/licensecheck"
)

// allowed are the licences, by their SPDX identifier, under which code may be linked:
// those that ask for their text to be passed on, or for changes to their own files.
var allowed = []string{"0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "ISC", "MIT", "MIT-0", "MPL-2.0", "Unlicense", "Zlib"}

// understood is how much of a file must be text of a licence, in percent: the rest
// is names and years.
const understood = 60

// judged are files that somebody has read, by their SHA-256: the licence that holds
// for what is linked.
var judged = map[string]string{
	// github.com/spdx/tools-golang, LICENSE.code: Apache-2.0 OR GPL-2.0-or-later.
	"e914fb1f3927226e04b0438e0b541b3c6e3c65de4d64aa8f5cdaa803f05448fd": "Apache-2.0",
}

// list has a line for each module: its path and the expression of its licences.
func list(modules []module) (string, error) {
	var lines []string
	var errs []error
	for _, m := range modules {
		expression, err := licenceOf(m)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s %s: %w", m.path, m.version, err))
			continue
		}
		if line := m.path + " " + expression + "\n"; !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, ""), errors.Join(errs...)
}

// licenceOf is the SPDX expression of a module: all the licences in its files.
func licenceOf(m module) (string, error) {
	var ids []string
	for _, f := range m.files {
		if strings.HasPrefix(strings.ToLower(path.Base(f)), "notice") {
			continue // it names authors, and may quote anything
		}
		data, err := os.ReadFile(filepath.Join(m.dir, filepath.FromSlash(f)))
		if err != nil {
			return "", err
		}
		hash := sha256.Sum256(data)
		if id, ok := judged[hex.EncodeToString(hash[:])]; ok {
			ids = append(ids, id)
			continue
		}
		found, err := identify(data)
		if err != nil {
			return "", fmt.Errorf("%s: %w", f, err)
		}
		ids = append(ids, found...)
	}
	if len(ids) == 0 {
		return "", errors.New("it has no licence")
	}
	slices.Sort(ids)
	return strings.Join(slices.Compact(ids), " AND "), nil
}

// identify returns the licences of a text.
func identify(text []byte) ([]string, error) {
	c := licensecheck.Scan(text)
	var ids []string
	for _, m := range c.Match {
		if m.IsURL {
			continue
		}
		if !slices.Contains(allowed, m.ID) {
			return nil, fmt.Errorf("its licence is %s, which is not allowed: see allowed in tools/licences/licence.go", m.ID)
		}
		ids = append(ids, m.ID)
	}
	if len(ids) == 0 || c.Percent < understood {
		return nil, fmt.Errorf("its licence is not understood: %.0f %% of it is text of licences that are known %q", c.Percent, ids)
	}
	return ids, nil
}
