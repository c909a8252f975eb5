package view

import (
	"errors"
	"fmt"
	"sort"
	"strings"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/path"
)

// Select returns the value at selector in tree. Invalid if the selector is
// malformed; NotFound names the nearest key.
func Select(tree any, selector string) (any, error) {
	p, err := parseSelector(selector)
	if err != nil {
		return nil, err
	}
	v, err := p.Get(tree)
	var m *path.Miss
	if errors.As(err, &m) {
		return nil, notThere(m)
	}
	return v, err
}

func parseSelector(s string) (path.Path, error) {
	p, err := path.Parse(s)
	if err != nil {
		return nil, schema.Errorf(schema.Invalid, "selector: %w", err).
			WithHint(`write keys with dots between, components.gpu-operator.values.driver.version; a key with dots in quotes; list[0]`)
	}
	return p, nil
}

func notThere(m *path.Miss) error {
	where, next := "the recipe", m.Rest[0]
	if len(m.Found) > 0 {
		where = m.Found.String()
	}
	fail := func(format string, args ...any) *schema.Error { return schema.Errorf(schema.NotFound, format, args...) }
	switch in := m.In.(type) {
	case map[string]any:
		if next.Index >= 0 {
			return fail("%s is not a list", where).WithHint("its keys are %s", keysOf(in))
		}
		err := fail("%s has no key %q", where, next.Key)
		if near := schema.Nearest(next.Key, keys(in)); near != "" {
			return err.WithHint("did you mean %s?", near)
		}
		return err.WithHint("its keys are %s", keysOf(in))
	case []any:
		if next.Index < 0 {
			return fail("%s is a list of %d", where, len(in)).WithHint("write %s[0]", where)
		}
		return fail("%s has %d elements, none at %d", where, len(in), next.Index).WithHint("the first is [0]")
	}
	return fail("%s is %v, there is nothing below it", where, m.In)
}

func keys(m map[string]any) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

// keysOf lists keys for a message, not too many.
func keysOf(m map[string]any) string {
	k := keys(m)
	if len(k) > 12 {
		return strings.Join(k[:12], ", ") + fmt.Sprintf(" and %d more", len(k)-12)
	}
	if len(k) == 0 {
		return "none"
	}
	return strings.Join(k, ", ")
}
