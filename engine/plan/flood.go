package plan

import (
	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
)

// Flooded returns the problems of a pipeline in which more steps are of unknown
// kinds, and more parameters unknown, than would be kept: decoding and linking
// 200,000 steps takes seconds, and all that is reported of them is how many there
// are. nil for every other pipeline.
func Flooded(doc *schema.Doc, kinds []engine.Kind) error {
	byName := map[string]engine.Kind{}
	var names []string
	for _, k := range kinds {
		byName[k.Name] = k
		names = append(names, k.Name)
	}
	var p schema.Problems
	for _, section := range []string{"steps", "finally"} {
		steps := doc.At(section)
		if steps == nil {
			continue
		}
		for _, step := range steps.Children() {
			uses := step.At("uses")
			if uses == nil {
				continue
			}
			name, ok := uses.Text()
			kind, known := byName[name]
			switch {
			case !ok:
			case !known && p.Full():
				p.Count(1)
			case !known:
				p.Add(noKind(name, names).At(uses.Pos(), uses.Path()))
			default:
				if with := step.At("with"); with != nil {
					if err := kind.Unknown(with, &p); err != nil {
						return err
					}
				}
			}
		}
	}
	if !p.Full() {
		return nil
	}
	return p.Err()
}

// noKind is the error for a kind that this program does not have.
func noKind(name string, names []string) *schema.Error {
	return schema.Errorf(schema.Invalid, "no kind %q", name).WithHint("%s", schema.Suggest(name, names))
}
