package schema

import "strings"

// Renamespace returns v with the namespace old replaced by another one, where v is that
// namespace, a list of it, or text with the address of a service in it, NAME.old.svc.
// ok is false if v names it nowhere.
func Renamespace(v any, old, other string) (out any, ok bool) {
	switch v := v.(type) {
	case string:
		if v == old {
			return other, true
		}
		s := strings.ReplaceAll(v, "."+old+".svc", "."+other+".svc")
		return s, strings.Contains(v, "."+old+".svc")
	case []any:
		list := make([]any, len(v))
		for i, e := range v {
			var is bool
			list[i], is = Renamespace(e, old, other)
			ok = ok || is
		}
		return list, ok
	}
	return v, false
}
