package constraint

import (
	"slices"
	"strconv"
	"strings"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/path"
)

// Path names one value of a snapshot: Type.Subtype.Key. Subtypes and keys may
// hold dots themselves, so only the type is certain until it meets a snapshot.
type Path struct {
	Type schema.MeasurementType
	rest string // subtype.key
}

// ParsePath reads Type.Subtype.Key. Invalid if the type is not one of a
// snapshot's, or subtype or key is missing.
func ParsePath(s string) (Path, error) {
	typ, rest, _ := strings.Cut(s, ".")
	types := schema.Enum("MeasurementType")
	if !slices.Contains(types, typ) {
		return Path{}, schema.Errorf(schema.Invalid, "constraint path %q: no measurement type %q", s, typ).
			WithHint("%s", schema.Suggest(typ, types))
	}
	if strings.Contains(rest, `"`) { // as query and explain print it: subtype and key are exact
		p, err := path.Parse(rest)
		if err != nil || len(p) != 2 {
			return Path{}, schema.Errorf(schema.Invalid, "constraint path %q is not Type.Subtype.Key", s).
				WithHint("write for example K8s.server.version")
		}
		rest = strings.Join(p.Keys(), ".")
	}
	sub, key, _ := strings.Cut(rest, ".")
	if sub == "" || key == "" || strings.ContainsAny(rest, " \t\n") {
		return Path{}, schema.Errorf(schema.Invalid, "constraint path %q is not Type.Subtype.Key", s).
			WithHint("write for example K8s.server.version")
	}
	return Path{schema.MeasurementType(typ), rest}, nil
}

func (p Path) String() string { return string(p.Type) + "." + p.rest }

// In returns the value at p. The longest subtype that exists wins:
// SystemD.containerd.service.ActiveState is key ActiveState of subtype
// containerd.service.
func (p Path) In(s *schema.Snapshot) (schema.Scalar, bool) {
	best := -1
	var value schema.Scalar
	for _, m := range s.Measurements {
		if m.Type != p.Type {
			continue
		}
		for _, sub := range m.Subtypes {
			key, ok := strings.CutPrefix(p.rest, sub.Subtype+".")
			if !ok || len(sub.Subtype) <= best {
				continue
			}
			best, value = len(sub.Subtype), nil
			if v, ok := sub.Data[key]; ok {
				value = v
			}
		}
	}
	return value, value != nil
}

// Text is a measured value as expressions see it.
func Text(v schema.Scalar) string {
	switch v := v.(type) {
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case uint64:
		return strconv.FormatUint(v, 10)
	case int:
		return strconv.Itoa(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return ""
}
