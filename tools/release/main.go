// Command release makes the files of a release from binaries that were built: an
// archive for each platform, software bills of materials, SLSA provenance and a
// list of checksums. The same binaries give the same bytes, on any machine and at
// any time. scripts/release builds the binaries and calls it.
//
//	release -version v1.2.3 -commit HASH -epoch SECONDS -o dist linux/amd64=bin/linux_amd64 …
//	release … -o dist -bill NAME bin/linux_amd64/eidos …     only the bills, of an image
//	release … -o dist -sums                                  provenance and checksums again
package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/NVIDIA/eidos/schema"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

// release is what all its files have in common.
type release struct {
	version, commit string
	time            time.Time // of the commit
	out             string
	binaries        []sum             // in the archives, ARCHIVE/NAME
	licences        map[string]string // SPDX expressions, by module
}

func run(args []string) error {
	var r release
	flags := flag.NewFlagSet("release", flag.ContinueOnError)
	flags.StringVar(&r.version, "version", "", "version, v1.2.3")
	flags.StringVar(&r.commit, "commit", "", "commit that was built")
	flags.StringVar(&r.out, "o", "dist", "new directory for the files")
	epoch := flags.Int64("epoch", 0, "time of the commit, in seconds since 1970")
	sums := flags.Bool("sums", false, "only write provenance and checksums again, of what is in the directory")
	bill := flags.String("bill", "", "only write the bills of materials of this name, of the binaries that are the arguments")
	packages := flags.String("packages", "", "with -bill: package URLs of what is there beside the binaries, separated by spaces")
	image := flags.String("digest", "", "with -bill: digest of the image, whose provenance is written too")
	licences := flags.String("licences", "tools/licences/licences.txt", "list of the licences of what is linked")
	extra := flags.String("with", "", "directory whose files go into each archive")
	if err := flags.Parse(args); err != nil {
		return err
	}
	r.time = time.Unix(*epoch, 0).UTC()
	if r.version == "" || r.commit == "" || *epoch == 0 || (flags.NArg() == 0) != *sums {
		return errors.New("-version, -commit, -epoch and a platform are needed")
	}
	if err := os.MkdirAll(r.out, 0o755); err != nil {
		return err
	}
	if !*sums {
		var err error
		if r.licences, err = readLicences(*licences); err != nil {
			return err
		}
	}
	if *bill != "" {
		return r.bill(*bill, flags.Args(), *packages, *image)
	}
	if *sums {
		if err := r.keepBinaries(); err != nil {
			return err
		}
	}
	for _, arg := range flags.Args() {
		platform, dir, ok := strings.Cut(arg, "=")
		if !ok || strings.Count(platform, "/") != 1 {
			return fmt.Errorf("%q is not OS/ARCHITECTURE=DIRECTORY", arg)
		}
		if err := r.platform(platform, dir, *extra); err != nil {
			return fmt.Errorf("%s: %w", platform, err)
		}
	}
	return r.finish()
}

// platform writes the archive and the bills of materials of one platform.
func (r *release) platform(platform, dir, extra string) error {
	name := fmt.Sprintf("eidos_%s_%s", strings.TrimPrefix(r.version, "v"), strings.ReplaceAll(platform, "/", "_"))
	binaries, err := filepath.Glob(filepath.Join(dir, "eidos*"))
	if err != nil || len(binaries) == 0 {
		return fmt.Errorf("%q has no binaries: %w", dir, errors.Join(err, os.ErrNotExist))
	}
	inventory, err := inventoryOf(binaries, r.licences)
	if err != nil {
		return err
	}
	if err := r.bills(name, inventory); err != nil {
		return err
	}
	for _, b := range inventory.binaries {
		r.binaries = append(r.binaries, sum{name + "/" + b.name, b.hex})
	}
	return r.archive(name, dir, extra)
}

// bill writes the bills of what an image holds.
func (r *release) bill(name string, binaries []string, packages, image string) error {
	inventory, err := inventoryOf(binaries, r.licences)
	if err != nil {
		return err
	}
	for _, purl := range strings.Fields(packages) {
		m, err := packageOf(purl)
		if err != nil {
			return err
		}
		inventory.modules = append(inventory.modules, m)
	}
	if hex, ok := strings.CutPrefix(image, "sha256:"); ok {
		text, err := schema.EncodeIndent(r.provenance([]sum{{name, hex}}))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(r.out, name+".provenance.json"), text, 0o644); err != nil {
			return err
		}
	}
	return r.bills(name, inventory)
}

// keepBinaries takes over what the provenance says of the binaries: the archives
// were made by an earlier call.
func (r *release) keepBinaries() error {
	data, err := os.ReadFile(filepath.Join(r.out, "provenance.json"))
	if err != nil {
		return err
	}
	var was struct {
		Subject []struct {
			Name   string            `json:"name"`
			Digest map[string]string `json:"digest"`
		} `json:"subject"`
	}
	if err := json.Unmarshal(data, &was); err != nil {
		return err
	}
	for _, s := range was.Subject {
		if strings.Contains(s.Name, "/") {
			r.binaries = append(r.binaries, sum{s.Name, s.Digest["sha256"]})
		}
	}
	return nil
}

// finish writes the Homebrew formula, the provenance of every file, and after it their checksums.
func (r *release) finish() error {
	if err := r.formula(); err != nil {
		return err
	}
	sums, err := r.sums(false)
	if err != nil {
		return err
	}
	text, err := schema.EncodeIndent(r.provenance(append(sums, r.binaries...)))
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(r.out, "provenance.json"), text, 0o644); err != nil {
		return err
	}
	if sums, err = r.sums(true); err != nil {
		return err
	}
	var list strings.Builder
	for _, s := range sums {
		fmt.Fprintf(&list, "%s  %s\n", s.hex, s.name)
	}
	return os.WriteFile(filepath.Join(r.out, "checksums.txt"), []byte(list.String()), 0o644)
}

type sum struct{ name, hex string }

// sums are the digests of the files there are, sorted by name, that of the
// provenance among them or not.
func (r *release) sums(provenance bool) ([]sum, error) {
	entries, err := os.ReadDir(r.out)
	if err != nil {
		return nil, err
	}
	var out []sum
	for _, e := range entries {
		if e.Name() == "checksums.txt" || e.Name() == "provenance.json" && !provenance || !e.Type().IsRegular() {
			continue
		}
		data, err := os.ReadFile(filepath.Join(r.out, e.Name()))
		if err != nil {
			return nil, err
		}
		h := sha256.Sum256(data)
		out = append(out, sum{e.Name(), hex.EncodeToString(h[:])})
	}
	slices.SortFunc(out, func(a, b sum) int { return strings.Compare(a.name, b.name) })
	return out, nil
}
