package compile

import (
	"fmt"

	"cuelang.org/go/cue/format"
)

// Kinds are the fields of custom resources that the source knows as CUE package
// kinds, by file name.
func (s Source) Kinds() (map[string][]byte, error) {
	files, err := s.kinds().CUE()
	if err != nil {
		return nil, err
	}
	out := make(map[string][]byte, len(files))
	for name, text := range files {
		if out[name], err = format.Source([]byte(text), format.Simplify()); err != nil {
			return nil, fmt.Errorf("writing the kinds in %s: %w", name, err)
		}
	}
	return out, nil
}
