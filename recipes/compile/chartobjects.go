package compile

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/NVIDIA/eidos/recipes/charts"
	"github.com/NVIDIA/eidos/recipes/charts/reads"
	"github.com/NVIDIA/eidos/recipes/crds"
	"github.com/NVIDIA/eidos/schema"
)

// kinds has the fields of kinds that come with eidos, and those of a user's
// directory.
func (s Source) kinds() crds.Library {
	l := crds.Builtin()
	if own := s.files.below("crds"); len(own) > 0 {
		l = l.With(own.FS())
	}
	return l
}

// checkKindFacts reads a file of a user's directory with the fields of a kind.
func (l *loaded) checkKindFacts(file string) error {
	var f schema.KindFacts
	at := l.src.added[file]
	if err := schema.Decode(at, l.src.files[file], &f); err != nil {
		return err
	}
	want := crds.FileName(&f)
	if got, _, ok := strings.Cut(path.Base(file), "@"); ok && got+".json" != want || !ok && got != want {
		return schema.Errorf(schema.Invalid, "the fields are of %s %s of %s", f.Kind, f.Version, f.Group).At(at, "").WithHint("name the file %s", want)
	}
	if _, err := crds.New(&f); err != nil {
		var errs []error
		for _, e := range schema.List(err) {
			se, ok := e.(*schema.Error)
			if !ok {
				return err
			}
			errs = append(errs, se.At(at, se.Path))
		}
		return schema.Join(errs)
	}
	return nil
}

// definitionsOf are the files of definitions that components bring.
func (p *chartProof) definitionsOf(a raw) []crds.Definition {
	var out []crds.Definition
	for _, name := range slices.Sorted(maps.Keys(a.Components)) {
		for _, file := range on(a.Components[name].Manifests) {
			full := "components/" + name + "/manifests/" + file
			if text, ok := p.src.files[full]; ok && schema.DefinesKinds(file) {
				out = append(out, crds.Definition{Path: p.src.place(full), Text: string(text)})
			}
		}
	}
	return out
}

// objects proves that the custom resources in the manifests of an answer's
// components have fields that their kinds have, of the releases in that answer.
func (p *chartProof) objects(a raw) {
	var releases []string
	for _, name := range slices.Sorted(maps.Keys(a.Components)) {
		if c := a.Components[name]; c.Chart != "" {
			releases = append(releases, path.Base(c.Chart)+" "+c.Version)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(a.Components)) {
		for _, file := range on(a.Components[name].Manifests) {
			full := "components/" + name + "/manifests/" + file
			if schema.DefinesKinds(file) {
				continue
			}
			text, ok := p.src.files[full]
			if !ok {
				continue // reported by components
			}
			key := full + "\x00" + strings.Join(releases, "\x00")
			n, done := p.texted[key]
			if !done {
				n = p.manifest(a, name, file, string(text), releases)
				p.texted[key] = n
			}
			p.report.Objects += n
		}
	}
}

// manifest checks one manifest, and returns how many custom resources it has.
func (p *chartProof) manifest(a raw, component, file, text string, releases []string) int {
	at := p.src.place("components/" + component + "/manifests/" + file)
	if line, err := reads.Check(text); err != nil {
		p.fail(schema.Errorf(schema.Invalid, "not a template: %w", err), fmt.Sprintf("%s:%d", at, line))
		return 0
	}
	all, err := crds.Objects(text)
	if err != nil && !strings.Contains(text, "{{") {
		line, why := yamlLine(err)
		p.fail(schema.Errorf(schema.Invalid, "not YAML: %s", why), fmt.Sprintf("%s:%d", at, line))
		return 0
	}
	if err != nil {
		p.remark("%s: its text is not YAML without its actions, and its objects are not checked: %v", at, err)
		return 0
	}
	n := 0
	brings := p.definitionsOf(a)
	for _, o := range all {
		group, _, grouped := strings.Cut(o.APIVersion, "/")
		if !grouped || charts.Native(group) {
			continue
		}
		k, err := p.kinds.Kind(o, releases, brings)
		switch {
		case schema.CodeOf(err) == schema.NotFound:
			if name := o.Kind + " of " + o.APIVersion; !slices.Contains(p.report.UnknownKinds, name) {
				p.report.UnknownKinds = append(p.report.UnknownKinds, name)
			}
			continue
		case err != nil:
			p.fail(err, "", "components", component, "manifests", file)
			continue
		}
		n++
		of := o.Kind
		if k.Release != "" {
			of += " of " + k.Release
		}
		for _, x := range k.Check(o) {
			e := schema.Errorf(schema.Invalid, "%s: %s: %s", of, x.Path, x.What)
			if x.Hint != "" {
				e = e.WithHint("%s", x.Hint)
			}
			p.fail(e, fmt.Sprintf("%s:%d:%d", at, x.Line, x.Column), "components", component, "manifests", file)
		}
	}
	return n
}

// yamlLine splits what the YAML library says: "yaml: line 3: why".
func yamlLine(err error) (line int, why string) {
	why = strings.TrimPrefix(err.Error(), "yaml: ")
	if n, rest, ok := strings.Cut(strings.TrimPrefix(why, "line "), ": "); ok {
		if line, err := strconv.Atoi(n); err == nil {
			return line, rest
		}
	}
	return 1, why
}
