package key

import (
	"encoding/json"
	"maps"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
)

// Compare lists the parts in which two keys differ; parameters leaf by leaf. It is in the
// order of the newer key, then what only the older one has.
func Compare(was, is []engine.Part) []engine.Change {
	a, b := leaves(was), leaves(is)
	var out []engine.Change
	for _, p := range b.order {
		if old, ok := a.value[p]; !ok || old != b.value[p] {
			out = append(out, engine.Change{Part: p, Was: old, Is: b.value[p]})
		}
	}
	for _, p := range a.order {
		if _, ok := b.value[p]; !ok {
			out = append(out, engine.Change{Part: p, Was: a.value[p]})
		}
	}
	return out
}

// leafSet is parts by name, in order, with parameters cut into leaves.
type leafSet struct {
	order []string
	value map[string]string
}

func leaves(parts []engine.Part) leafSet {
	s := leafSet{value: map[string]string{}}
	for _, p := range parts {
		if p.Name == "with" {
			var v any
			if json.Unmarshal([]byte(p.Value), &v) == nil {
				s.add([]string{"with"}, v)
				continue
			}
		}
		s.put(p.Name, p.Value)
	}
	return s
}

func (s *leafSet) put(name, value string) {
	if _, ok := s.value[name]; !ok {
		s.order = append(s.order, name)
	}
	s.value[name] = value
}

func (s *leafSet) add(path []string, v any) {
	switch v := v.(type) {
	case map[string]any:
		keys := slices.Sorted(maps.Keys(v))
		sort.Strings(keys)
		for _, k := range keys {
			s.add(append(path[:len(path):len(path)], k), v[k])
		}
	case []any:
		for i, e := range v {
			s.add(append(path[:len(path):len(path)], strconv.Itoa(i)), e)
		}
	default:
		data, err := schema.Encode(v)
		if err != nil {
			panic("BUG: encoding what was JSON: " + err.Error())
		}
		text := strings.TrimSpace(string(data))
		if str, ok := v.(string); ok {
			text = str
		}
		s.put(schema.PathString(path...), text)
	}
}
