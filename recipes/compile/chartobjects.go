package compile

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/NVIDIA/eidos/recipes/charts"
	"github.com/NVIDIA/eidos/recipes/crds"
	"github.com/NVIDIA/eidos/schema"
)

// kinds has the fields of kinds that come with eidos, and those of a user's
// directory.
func (s Source) kinds() crds.Library {
	l := crds.Builtin()
	if sub, err := fs.Sub(s.files, "crds"); err == nil {
		if _, err := fs.ReadDir(sub, "."); err == nil {
			l = l.With(sub)
		}
	}
	return l
}

// checkKindFacts reads a file of a user's directory with the fields of a kind.
func (l *loaded) checkKindFacts(file string) error {
	var f schema.KindFacts
	at := l.src.added[file]
	if err := schema.Decode(at, l.src.files[file].Data, &f); err != nil {
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

// objects proves that the custom resources in the manifests of an answer's
// components have fields that their kinds have, of the releases in that answer.
func (p *chartProof) objects(a raw) {
	var releases []string
	for _, name := range sortedKeys(a.Components) {
		if c := a.Components[name]; c.Chart != "" {
			releases = append(releases, path.Base(c.Chart)+" "+c.Version)
		}
	}
	for _, name := range sortedKeys(a.Components) {
		for _, file := range on(a.Components[name].Manifests) {
			full := "components/" + name + "/manifests/" + file
			if strings.HasSuffix(file, ".crd.yaml") {
				continue
			}
			text, err := fs.ReadFile(p.src.files, full)
			if err != nil {
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
	all, err := crds.Objects(text)
	if err != nil {
		p.remark("%s: its text is not YAML without its actions, and its fields are not checked: %v", at, err)
		return 0
	}
	n := 0
	for _, o := range all {
		group, _, grouped := strings.Cut(o.APIVersion, "/")
		if !grouped || charts.Native(group) {
			continue
		}
		k := p.kind(a, o, releases)
		if k == nil {
			if name := o.Kind + " of " + o.APIVersion; !slices.Contains(p.report.UnknownKinds, name) {
				p.report.UnknownKinds = append(p.report.UnknownKinds, name)
			}
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

// kind returns the fields of an object's kind: of the definition that a component
// of the answer brings itself, else of facts. nil if neither is known.
func (p *chartProof) kind(a raw, o crds.Object, releases []string) *crds.Kind {
	group, version, _ := strings.Cut(o.APIVersion, "/")
	for _, name := range sortedKeys(a.Components) {
		for _, file := range on(a.Components[name].Manifests) {
			if !strings.HasSuffix(file, ".crd.yaml") {
				continue
			}
			for _, k := range p.definitions(name, file, group+"/"+o.Kind) {
				if k.Version == version {
					return k
				}
			}
		}
	}
	key := o.APIVersion + " " + o.Kind
	all, done := p.kinds[key]
	if !done {
		var err error
		if all, err = p.src.kinds().All(o.APIVersion, o.Kind); err != nil && schema.CodeOf(err) != schema.NotFound {
			p.errs = append(p.errs, err)
		}
		p.kinds[key] = all
	}
	if len(all) == 0 {
		return nil
	}
	return crds.Pick(all, releases)
}

// definitions are the versions of a kind, GROUP/KIND, that a manifest of a
// component defines. Only that part of the file is read: one has 600 kB.
func (p *chartProof) definitions(component, file, kind string) []*crds.Kind {
	full := "components/" + component + "/manifests/" + file
	out, done := p.defined[full+" "+kind]
	if done {
		return out
	}
	text, _ := fs.ReadFile(p.src.files, full) // one that is missing is reported by components
	for _, document := range strings.Split("\n"+string(text), "\n---") {
		if !slices.Contains(charts.Defined(document), kind) {
			continue
		}
		facts, err := crds.Definitions(document, "")
		if err != nil {
			p.fail(schema.Errorf(schema.Invalid, "%w", err), p.src.place(full), "components", component, "manifests", file)
		}
		for _, f := range facts {
			k, err := crds.New(f)
			if err != nil {
				p.errs = append(p.errs, err)
				continue
			}
			out = append(out, k)
		}
	}
	p.defined[full+" "+kind] = out
	return out
}
