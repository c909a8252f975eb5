package charts

import (
	"strings"

	"github.com/NVIDIA/eidos/schema/pattern"
)

var (
	groupLine = pattern.New(`(?m)^  group:[ \t]*["']?([^\s"'#]+)`)
	kindLine  = pattern.New(`(?m)^    kind:[ \t]*["']?([^\s"'#]+)`)
	nativeAPI = pattern.New(`^(apps|batch|autoscaling|policy|[a-z]+\.k8s\.io|(rbac\.authorization|flowcontrol\.apiserver|internal\.apiserver)\.k8s\.io)$`)
)

// Native reports whether the kinds of an API group are part of every cluster.
// Groups such as gateway.networking.k8s.io are not.
func Native(group string) bool { return nativeAPI.MatchString(group) }

// NamespaceWide reports whether an object of a built-in kind is for all Pods of its
// namespace.
func NamespaceWide(kind string) bool { return kind == "LimitRange" || kind == "ResourceQuota" }

// Defined lists the kinds, as GROUP/KIND, that a file of
// CustomResourceDefinitions defines. It does not read the YAML: some have 600 kB.
func Defined(text string) []string {
	var out []string
	for _, doc := range strings.Split("\n"+text, "\n---") {
		group := groupLine.FindAllSubmatch([]byte(doc), 1)
		kind := kindLine.FindAllSubmatch([]byte(doc), 1)
		if len(group) == 1 && len(kind) == 1 {
			out = append(out, string(group[0][1])+"/"+string(kind[0][1]))
		}
	}
	return out
}

// On reports whether an item is rendered with values: those of its guards that
// values do not set are the chart's defaults.
func (c *Chart) On(guards []string, off bool, values map[string]any) bool {
	if len(guards) == 0 {
		return !off
	}
	for _, g := range guards {
		path, negated := strings.CutPrefix(g, "!")
		keys, err := SplitPath(path)
		if err != nil || c.truthy(keys, values, off == negated) == negated {
			return false
		}
	}
	return true
}

// truthy is whether the value at keys is true for a template. Where neither the
// values nor the facts say, the item is as it is by default.
func (c *Chart) truthy(keys []string, values map[string]any, unknown bool) bool {
	var v any = values
	for _, k := range keys {
		m, ok := v.(map[string]any)
		if !ok {
			v = nil
			break
		}
		v = m[k]
	}
	if v == nil {
		if n, ok := c.knows(keys); ok && n.value != nil {
			v = n.value.Default
			if v == nil && n.value.Type == "null" {
				return false
			}
		}
	}
	switch v := v.(type) {
	case nil:
		return unknown
	case bool:
		return v
	case string:
		return v != ""
	case map[string]any:
		return len(v) > 0
	case []any:
		return len(v) > 0
	case int64:
		return v != 0
	case float64:
		return v != 0
	}
	return true
}
