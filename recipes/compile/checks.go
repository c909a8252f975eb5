package compile

import (
	"errors"

	"github.com/NVIDIA/eidos/recipes/expect"
	"github.com/NVIDIA/eidos/schema"
)

// vetChecks finds what is wrong with each check by itself: what CUE cannot see in
// paths, expressions and variables.
func (l *loaded) vetChecks() error {
	var errs []error
	for _, name := range sortedKeys(l.checkDefs) {
		for _, err := range expect.Vet(l.checkDefs[name]) {
			var e *schema.Error
			if errors.As(err, &e) {
				err = e.At(l.checkAt[name], e.Path)
			}
			errs = append(errs, err)
		}
	}
	return schema.Join(errs)
}
