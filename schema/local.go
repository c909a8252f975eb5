package schema

import (
	"strconv"
	"strings"

	"github.com/NVIDIA/eidos/schema/path"
)

// Local is a file or directory of this machine that a step's parameters name.
//
// Each parameter that holds free text says in its definition, in @local, what
// the text is; a test over all kinds refuses one that does not:
//
//	no              it names nothing of this machine
//	read            a path that is read
//	read,assigned   COMPONENT:PATH=FILE; FILE is read
//	read,implied    the same as read; without it, something of the user's is read
//	write           a path that is written
//	write,layout    written, if it is oci-layout:DIR
//	write,implied   if true, something of the user's is written
type Local struct {
	Param []string // path of the parameter
	Path  string   // as it is written; "" for something of the user's that is not named
	Write bool
}

// Locals lists what the parameters in v, the plain form of a value of
// #definition, name of this machine. NotFound if there is no such definition.
func Locals(definition string, v any) ([]Local, error) {
	r, err := rulesFor(definition)
	if err != nil {
		return nil, err
	}
	return r.locals(nil, v, nil), nil
}

func (r *rule) locals(at []string, v any, out []Local) []Local {
	m, _ := v.(map[string]any)
	r = r.follow()
	for _, k := range r.keys {
		p, val := r.Properties[k], m[k]
		below := append(at[:len(at):len(at)], k)
		access, form, _ := strings.Cut(p.Local, ",")
		add := func(s string, at ...string) {
			out = append(out, Local{Param: append(below[:len(below):len(below)], at...), Path: s, Write: access == "write"})
		}
		switch {
		case p.Local == "" && val != nil:
			out = p.locals(below, val, out)
		case p.Local == "" || access == "no":
		case form == "implied":
			if s, _ := val.(string); s != "" || access == "read" || val == true {
				add(s)
			}
		default:
			texts, isList := val.([]any)
			if !isList {
				texts = []any{val}
			}
			for i, e := range texts {
				s, _ := e.(string)
				switch form {
				case "assigned":
					_, s, _ = path.CutAssignment(s)
				case "layout":
					s, _ = layoutDir(s)
				}
				switch {
				case s == "":
				case isList:
					add(s, strconv.Itoa(i))
				default:
					add(s)
				}
			}
		}
	}
	return out
}

// LocalPath returns the path on this machine that an address of an input or
// output names, "-" for its standard streams; false if it is elsewhere. An
// address without a scheme counts as a path, whatever else it might be.
func LocalPath(uri string) (string, bool) {
	if dir, ok := layoutDir(uri); ok {
		return dir, true
	}
	scheme, rest, ok := strings.Cut(uri, "://")
	switch {
	case strings.HasPrefix(uri, "pkcs11:"): // a key in a token, RFC 7512
		return "", false
	case !ok:
		return uri, true
	case strings.EqualFold(scheme, "file"):
		return rest, true
	}
	return "", false
}

// layoutDir returns the directory of oci-layout:DIR[:tag][@sha256:…], which may
// have oci:// before it.
func layoutDir(uri string) (string, bool) {
	dir, ok := strings.CutPrefix(strings.TrimPrefix(uri, "oci://"), "oci-layout:")
	if !ok {
		return "", false
	}
	if at := strings.LastIndexByte(dir, '@'); at >= 0 {
		dir = dir[:at]
	}
	if colon := strings.LastIndexByte(dir, ':'); colon > strings.LastIndexByte(dir, '/') {
		dir = dir[:colon]
	}
	return dir, true
}
