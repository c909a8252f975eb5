package expect

import (
	"cmp"
	"fmt"
	"strings"
)

const definition = "CustomResourceDefinition"

// workload reports whether the objects of c have Pods.
func (c condition) workload() bool {
	return c.Kind == "Deployment" || c.Kind == "StatefulSet" || c.Kind == "DaemonSet"
}

// missingHint is the next step where an object is missing: to deploy its component
// again if that brings it, else what the check says.
func (e *evaluation) missingHint(c condition) string {
	switch {
	case e.bound.Component == "" || c.Missing == "unknown":
		return e.bound.Check.Hint
	case c.Kind == definition:
		return fmt.Sprintf("Helm installs the folder crds of a chart only once: helm show crds prints it for kubectl apply --server-side -f -; "+
			"what a chart renders comes back when %s is deployed again%s", e.bound.Component, e.deployment())
	case c.workload():
		return e.again()
	}
	return cmp.Or(e.bound.Check.Hint, e.again())
}

func (e *evaluation) again() string {
	return fmt.Sprintf("helm status %[1]s -n %[2]s, and the log of its operator if that makes it; else deploy %[1]s again%[3]s", e.bound.Component, e.bound.namespace, e.deployment())
}

// deployment is how the bound component is deployed again: layouts have tools of
// their own.
func (e *evaluation) deployment() string {
	return fmt.Sprintf(" with the tool that deployed it (a bundle of --layout components: deploy.sh --again --only %s)", e.bound.Component)
}

// fieldsHint is the next step where fields of an object are not as expected: the
// condition's own, the check's, else where its kind shows the reason.
func (e *evaluation) fieldsHint(c condition, o object) string {
	if c.Kind == definition {
		return "kubectl describe customresourcedefinition " + meta(o.tree, "name") + ": its conditions name what is in its way"
	}
	if own := cmp.Or(c.Hint, e.bound.Check.Hint); own != "" || c.Proxy != nil {
		return own
	}
	at := strings.ToLower(c.Kind) + " " + meta(o.tree, "name")
	if ns := meta(o.tree, "namespace"); ns != "" {
		at = strings.ToLower(c.Kind) + " -n " + ns + " " + meta(o.tree, "name")
	}
	switch {
	case c.Kind == "DaemonSet":
		return "kubectl describe " + at + ": a node without its Pod has a taint that it does not tolerate, or lacks the image"
	case c.workload():
		return "kubectl describe " + at + "; kubectl get events -n " + meta(o.tree, "namespace") + " names what its Pods wait for"
	}
	return "kubectl describe " + at + ": its conditions and events name what it waits for"
}
