package render

import "strconv"

// fluxStages are the Kustomizations that apply a bundle. One does, for
// HelmReleases depend on each other by themselves; but none of them can depend
// on a Kustomization, so that a component that is one divides the others: those
// before it are a stage that it waits for, and those after it wait for it.
type fluxStages struct {
	*job
	source     fluxObject
	namespaces []any
	applied    []any
	last       string // the name of the last one
	stage      int
	some       bool // the stage has releases
}

// releases is the directory of the releases of the stage.
func (s *fluxStages) releases() string {
	s.some = true
	if !s.hasKustomization() {
		return "releases"
	}
	return "releases/" + strconv.Itoa(s.stage)
}

// kustomization adds a component that is one.
func (s *fluxStages) kustomization(c *component) {
	s.end()
	s.add(s.name+"-"+c.Name, c.dir())
}

// end ends the stage.
func (s *fluxStages) end() {
	if !s.some {
		return
	}
	name := s.name
	if s.hasKustomization() {
		name += "-" + strconv.Itoa(s.stage)
	}
	s.add(name, s.releases())
	s.stage++
	s.some = false
}

func (s *fluxStages) add(name, dir string) {
	spec := kustomization{
		Interval: "10m", RetryInterval: "1m", SourceRef: fluxReference{s.source.Kind, s.source.Metadata.Name}, Path: "./" + s.repo.path(dir), Prune: true,
	}
	if s.hasKustomization() {
		spec.Wait, spec.Timeout = true, "30m"
	}
	if s.last != "" {
		spec.DependsOn = []nameOnly{{s.last}}
	}
	s.applied = append(s.applied, newFlux("kustomize.toolkit.fluxcd.io/v1", "Kustomization", name, spec))
	s.last = name
}

// objects are what flux.yaml has.
func (s *fluxStages) objects() []any {
	s.end()
	return append(append(s.namespaces, s.source), s.applied...)
}
