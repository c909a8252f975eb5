package single

import (
	"errors"
	"io/fs"
	"os"
	"strings"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/path"
	"github.com/NVIDIA/eidos/steps/oci"
)

// Exist reports those of a command's inputs that are files of this machine and are
// not there, if there are several: one alone is reported by what reads it.
func Exist(inputs ...string) error {
	var errs []error
	for _, in := range inputs {
		if missing(in) {
			errs = append(errs, schema.Errorf(schema.NotFound, "no file %q", in))
		}
	}
	if len(errs) < 2 {
		return nil
	}
	return schema.Join(errs)
}

// Missing reports the files that the parameters of s name and that are not there,
// for a command that cannot run s: what s is about is missing too.
func (s *Step) Missing(definition string) error {
	locals, err := schema.Locals(definition, s.With)
	if err != nil {
		return err
	}
	var errs []error
	for _, l := range locals {
		if !l.Write && missing(l.Path) {
			errs = append(errs, schema.Errorf(schema.NotFound, "no file %q", l.Path).At("", schema.Parameter(path.Of(l.Param...).String())))
		}
	}
	return schema.Join(errs)
}

// missing reports whether in is a file of this machine that is not there.
func missing(in string) bool {
	p, here := schema.LocalPath(in)
	if !here || p == "" || p == "-" || strings.HasPrefix(in, oci.Embedded+"/") {
		return false
	}
	_, err := os.Stat(p)
	return errors.Is(err, fs.ErrNotExist)
}
