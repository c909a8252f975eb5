package upstream

import (
	"fmt"
	"strings"

	"github.com/NVIDIA/eidos/schema"
)

// Decode reads doc as the document of mediaType or, if that is "", of the kind
// that it states. One of upstream is converted; the notes say how.
func (r Reader) Decode(doc *schema.Doc, mediaType string) (schema.Value, []string, error) {
	if Is(doc, mediaType) {
		return r.Read(doc, mediaType)
	}
	v, err := empty(doc, mediaType)
	if err != nil {
		return nil, nil, err
	}
	if err := doc.Decode(v); err != nil {
		return nil, nil, err
	}
	return v, nil, nil
}

// empty returns an empty document of mediaType, or of the kind that doc states.
func empty(doc *schema.Doc, mediaType string) (schema.Value, error) {
	if mediaType != "" {
		v := schema.New(mediaType)
		if v == nil {
			return nil, fmt.Errorf("BUG: no document of type %q", mediaType)
		}
		return v, nil
	}
	kind := ""
	if at := doc.At("kind"); at != nil {
		kind, _ = at.Value().(string)
	}
	var kinds []string
	for _, v := range schema.Documents() {
		k := schema.KindOf(v)
		if k == kind {
			return v, nil
		}
		kinds = append(kinds, k)
	}
	if kind == "" {
		return nil, schema.Errorf(schema.Invalid, "no kind: not a document of eidos").At(doc.Pos(), "kind").
			WithHint("the kinds are %s", strings.Join(kinds, ", "))
	}
	return nil, schema.Errorf(schema.Invalid, "unknown kind %q", kind).At(doc.Pos("kind"), "kind").
		WithHint("%s", schema.Suggest(kind, kinds))
}
