package drift

import (
	"slices"
	"strings"

	"github.com/NVIDIA/eidos/recipes/charts"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/constraint"
)

// running are the images that run on a cluster, by the last part of their
// repository: the tags, or whole references where several repositories have the
// name. nil if they were not read.
func running(s *schema.Snapshot) map[string][]string {
	for _, m := range s.Measurements {
		for _, sub := range m.Subtypes {
			if m.Type != "K8s" || sub.Subtype != "image" {
				continue
			}
			out := map[string][]string{}
			for name, tags := range sub.Data {
				for _, t := range strings.Split(constraint.Text(tags), ", ") {
					out[name] = append(out[name], tagOf(t))
				}
			}
			return out
		}
	}
	return nil
}

// tagOf is the tag of a reference, or of what is only a tag.
func tagOf(ref string) string {
	ref, _, _ = strings.Cut(ref, "@")
	if i := strings.LastIndexByte(ref, ':'); i > strings.LastIndexByte(ref, '/') {
		return ref[i+1:]
	}
	return ref
}

// deployers are what deploys without a Helm release, by the charts and the images
// that show it.
var deployers = []struct{ name, chart, image string }{
	{"Argo CD", "argo-cd", "argocd"},
	{"Flux", "flux2", "helm-controller"},
	{"Flux", "flux-operator", "kustomize-controller"},
}

// deployer is what deploys on a cluster and leaves no Helm release, "" for nothing
// that shows.
func deployer(installed []release, images map[string][]string) string {
	for _, d := range deployers {
		byChart := func(r release) bool { return strings.TrimSuffix(r.chart, "-"+r.version) == d.chart }
		if _, ok := images[d.image]; ok || slices.ContainsFunc(installed, byChart) {
			return d.name
		}
	}
	return ""
}

// trace is what a component without a Helm release shows of itself: the images
// of its chart that run, with their tags, in the version of the recipe or in
// another. none are its images that do not run.
type trace struct {
	same, other []string
	none        int
}

// traceOf compares the images that a component's chart renders with those that
// run; false if nobody knows what it renders.
func traceOf(c schema.ComponentRef, images map[string][]string) (trace, bool) {
	var t trace
	facts, err := charts.Builtin().Find(c.Chart, c.Version)
	if err != nil || images == nil {
		return t, false
	}
	seen := map[string]bool{}
	for _, ref := range facts.Images {
		repository, _, _ := strings.Cut(ref, "@")
		name := strings.TrimSuffix(repository, ":"+tagOf(ref))
		name = name[strings.LastIndexByte(name, '/')+1:]
		tags, ok := images[name]
		switch {
		case seen[name]:
		case !ok:
			t.none++
		case slices.Contains(tags, tagOf(ref)):
			t.same = append(t.same, name+":"+tagOf(ref))
		default:
			t.other = append(t.other, name+":"+strings.Join(slices.Compact(slices.Sorted(slices.Values(tags))), ", "))
		}
		seen[name] = true
	}
	slices.Sort(t.same)
	slices.Sort(t.other)
	return t, true
}

// untraced compares a component that has no Helm release with what else shows it:
// Argo CD, Flux and plain manifests leave only what runs.
func (r *report) untraced(c schema.ComponentRef, by string, images map[string][]string, because string) {
	path := "components." + c.Name
	t, known := traceOf(c, images)
	switch {
	case known && len(t.other) > 0:
		r.compare(path+".version", schema.Change{
			Change: "changed", From: c.Version, To: strings.Join(t.other, "; "),
			Reason: "no Helm release of it, and its images run with other tags",
		})
	case known && len(t.same) > 0:
		r.compare(path+".version", schema.Change{})
	case by != "":
		r.compare(path, schema.Change{
			Change: "unknown", From: c.Version, Reason: by + " is there, whose deployments leave no Helm release, and no image shows it",
			Hint: "eidos validate -r RECIPE --phase deployment asks the cluster itself",
		})
	case because != "":
		r.compare(path, schema.Change{
			Change: "unknown", From: c.Version, Reason: because,
			Hint: "take the snapshot with rights to list Secrets, where Helm keeps its releases",
		})
	case known:
		r.compare(path, schema.Change{Change: "missing", From: c.Version, Reason: "no Helm release of it in the snapshot, and none of its images runs"})
	default:
		r.compare(path, schema.Change{Change: "missing", From: c.Version, Reason: "no Helm release of it in the snapshot"})
	}
}
