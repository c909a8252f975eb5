package plan

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/NVIDIA/eidos/schema"
)

// Missing reports the files of this machine that p reads and that are not there,
// NotFound each, at their positions. Relative ones are in dir. What a step of p
// may write is left to the run.
func (p *Plan) Missing(dir string) error {
	written, known := p.written()
	if !known {
		return nil
	}
	var errs schema.Problems
	for _, t := range p.fileReads() {
		name, here := schema.LocalPath(t.name)
		if !here || name == "" || name == "-" || slices.ContainsFunc(written, func(w string) bool { return below(filepath.Clean(w), filepath.Clean(name)) }) {
			continue
		}
		if _, err := os.Stat(inDir(dir, name)); errors.Is(err, fs.ErrNotExist) {
			e := t.at.Errorf("no file %q", name)
			e.Code = schema.NotFound
			errs.Add(e)
		}
	}
	return errs.Err()
}

// written lists what steps of p write to this machine; false if that is known
// only when they run.
func (p *Plan) written() (paths []string, known bool) {
	for _, n := range p.Nodes {
		if n.Type == MatrixNode && n.Step.Dynamic || strings.Contains(n.Out, "${") {
			return nil, false
		}
		if n.Type != StepNode {
			continue
		}
		if name, here := schema.LocalPath(n.Out); here && name != "" {
			paths = append(paths, name)
		}
		for _, l := range n.locals(n.With) {
			if l.Write && l.Path != "" {
				paths = append(paths, l.Path)
			}
		}
	}
	return paths, true
}

// fileReads lists what the nodes of p read of this machine. The parameters of a
// step with conditions are left out: it may not run.
func (p *Plan) fileReads() []touch {
	var all []touch
	for _, n := range p.Nodes {
		switch {
		case n.Type == LoadNode:
			all = append(all, touch{readsFile, n.URI, n.at})
		case n.Type == StepNode && len(n.Step.Guards) == 0:
			for i, f := range n.Step.Files {
				all = append(all, touch{readsFile, f, n.Step.At.Child("files", strconv.Itoa(i))})
			}
			for _, l := range n.locals(n.With) {
				if !l.Write {
					all = append(all, touch{readsFile, l.Path, n.Step.At.Child("with").Child(l.Param...)})
				}
			}
		}
	}
	return all
}
