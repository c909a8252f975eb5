package render

import (
	"bytes"
	"slices"
	"strings"

	"github.com/NVIDIA/eidos/recipes/charts"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/pattern"
)

// know reads what is known of the component's chart. Of a chart without facts
// nothing is known, which is no error.
func (c *component) know() error {
	if !c.chart() {
		return nil
	}
	b, err := c.library.Brief(c.Chart, c.Version)
	if schema.CodeOf(err) == schema.NotFound {
		return nil
	}
	c.brief, c.known = b, err == nil
	return err
}

var privilegedLine = pattern.New(`^[ \t-]*(privileged|hostNetwork|hostPID|hostIPC): *true|^[ \t-]*hostPath:`)

// privileged reports whether the namespace of c must admit privileged Pods:
// because the chart runs some, its operator makes some, or a manifest has some.
func (c *component) privileged() bool {
	operators := []string{"gpu-operator", "network-operator", "nodewright", "skyhook-operator",
		"nvsentinel"} // whose newest version has no facts
	return c.brief.Privileged || slices.Contains(operators, c.Chart) ||
		slices.ContainsFunc(c.own, func(m manifest) bool { return privilegedText(m.data) })
}

// privilegedText is privilegedLine for text of any size: the pattern takes fifty
// times as long as the search for its words, and a CRD has half a megabyte.
func privilegedText(text []byte) bool {
	for _, key := range []string{"privileged:", "hostNetwork:", "hostPID:", "hostIPC:", "hostPath:"} {
		for rest := text; ; {
			i := bytes.Index(rest, []byte(key))
			if i < 0 {
				break
			}
			begin, end := bytes.LastIndexByte(rest[:i], '\n')+1, bytes.IndexByte(rest[i:], '\n')
			if end < 0 {
				end = len(rest) - i
			}
			if privilegedLine.Match(rest[begin : i+end]) {
				return true
			}
			rest = rest[i+end:]
		}
	}
	return false
}

// crds lists the CustomResourceDefinitions that the chart brings with the values of
// the component. Where these do not set a guard, it is as the chart has it.
func (c *component) crds() []string {
	var out []string
	var defaults charts.Chart
	for _, d := range c.brief.CRDs {
		if defaults.On(d.Guards, d.Off, c.values) {
			out = append(out, d.Plural+"."+d.Group)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// podSecurity is the label of a namespace that admits privileged Pods:
// https://kubernetes.io/docs/concepts/security/pod-security-admission/
func podSecurity() map[string]string {
	return map[string]string{"pod-security.kubernetes.io/enforce": "privileged"}
}

// namespaceObject is a Namespace.
type namespaceObject struct {
	APIVersion string     `json:"apiVersion"`
	Kind       string     `json:"kind"`
	Metadata   objectMeta `json:"metadata"`
}

// ownedByCluster reports namespaces that every cluster has; their labels are not
// ours to set.
func ownedByCluster(ns string) bool { return ns == "default" || strings.HasPrefix(ns, "kube-") }

// namespaces are the namespaces of the components with the labels that their
// Pods need.
func (j *job) namespaces() []any {
	var names []string
	privileged := map[string]bool{}
	for _, c := range j.components {
		if ownedByCluster(c.Namespace) {
			continue
		}
		if !slices.Contains(names, c.Namespace) {
			names = append(names, c.Namespace)
		}
		privileged[c.Namespace] = privileged[c.Namespace] || c.privileged()
	}
	slices.Sort(names)
	var out []any
	for _, n := range names {
		o := namespaceObject{"v1", "Namespace", objectMeta{Name: n}}
		if privileged[n] {
			o.Metadata.Labels = podSecurity()
		}
		out = append(out, o)
	}
	return out
}

// addNamespaces writes namespaces.yaml, unless there are none.
func (j *job) addNamespaces(t *Tree) error {
	if all := j.namespaces(); len(all) > 0 {
		return t.addYAML("namespaces.yaml", "The namespaces of the components, with the Pod Security labels that they need.", all...)
	}
	return nil
}

var atLeast = pattern.New(`^>= *v?([0-9]+\.[0-9]+(\.[0-9]+)?)`)

// oldestKubernetes is the version that the recipe's constraint on the server
// begins with, "" if it has none of that form.
func oldestKubernetes(r *schema.RecipeResult) string {
	for _, c := range r.Constraints {
		if m := atLeast.FindStringSubmatch(c.Value); m != nil && c.Name == "K8s.server.version" {
			return m[1]
		}
	}
	return ""
}
