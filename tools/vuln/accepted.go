package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"
)

// entry is an accepted finding.
type entry struct {
	id       string
	reviewed time.Time
	at       string // file:line
}

var idForm = regexp.MustCompile(`^GO-\d{4}-\d{4,}$`)

// readAccepted reads lines of an ID, a day and a reason. Empty lines and those
// that start with # are comments.
func readAccepted(r io.Reader, name string) ([]entry, error) {
	var out []entry
	var errs []error
	seen := map[string]string{}
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		at := fmt.Sprintf("%s:%d", name, n)
		id, rest, _ := strings.Cut(line, " ")
		day, reason, _ := strings.Cut(strings.TrimSpace(rest), " ")
		reviewed, err := time.Parse(time.DateOnly, day)
		switch {
		case !idForm.MatchString(id):
			errs = append(errs, fmt.Errorf("%s: %q is not an ID such as GO-2026-4529", at, id))
		case err != nil:
			errs = append(errs, fmt.Errorf("%s: %s: %q is not a day such as 2026-11-25", at, id, day))
		case strings.TrimSpace(reason) == "":
			errs = append(errs, fmt.Errorf("%s: %s has no reason", at, id))
		case seen[id] != "":
			errs = append(errs, fmt.Errorf("%s: %s is already in %s", at, id, seen[id]))
		default:
			seen[id] = at
			out = append(out, entry{id, reviewed, at})
		}
	}
	return out, errors.Join(append(errs, lines.Err())...)
}
