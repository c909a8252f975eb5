package plan

import (
	"path/filepath"
	"strings"

	"github.com/NVIDIA/eidos/schema"
)

// outputs are the targets of nodes. Two of them must not be one place on disk,
// however they are written, nor one inside the other: a bundle replaces its
// directory whole, and which of two steps ends last is not known.
type outputs struct {
	dir   string           // that relative paths are in; "" if it is not known, then links are not followed
	at    map[string]*Node // by path, or address
	below map[string]*Node // the first node that saves below a directory
	real  map[string]string
}

func newOutputs(dir string) *outputs {
	return &outputs{dir: dir, at: map[string]*Node{}, below: map[string]*Node{}, real: map[string]string{}}
}

// add notes that n saves to out. other is a node that saves to the same place,
// around it or inside it.
func (o *outputs) add(n *Node, out string) (other *Node, how string) {
	key, file := o.key(out)
	other, how = o.at[key], "and so does"
	o.at[key] = n
	if !file || other != nil {
		return other, how
	}
	if other = o.below[key]; other != nil {
		how = "which has in it what is saved by"
	}
	for p, at := filepath.Dir(key), key; p != at && o.below[p] == nil; p, at = filepath.Dir(p), p {
		o.below[p] = n
		if other == nil && o.at[p] != nil {
			other, how = o.at[p], "which is inside what is saved by"
		}
	}
	return other, how
}

// key is what identifies a target: a path of this machine without links in its
// directory, or an address as it is written.
func (o *outputs) key(out string) (key string, file bool) {
	name, here := schema.LocalPath(out)
	if !here || name == "" || name == "-" || strings.Contains(out, "oci-layout:") { // which has several tags
		return out, false
	}
	dir, base := filepath.Split(filepath.Clean(inDir(o.dir, name)))
	real, ok := o.real[dir]
	if !ok {
		real = filepath.Clean(dir)
		if o.dir != "" {
			if to, err := realPath(real); err == nil {
				real = to
			}
		}
		o.real[dir] = real
	}
	return filepath.Join(real, base), true
}
