package plan

import (
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/NVIDIA/eidos/schema"
)

// bounds is what the steps of a remote pipeline may touch on this machine: they
// save below the directory of the run, and read nothing but what
// the including step allows. nil is no limit: the pipeline is a file here.
//
// Everything is checked as it is written when compiling, and again, with links
// followed, before anything is read or saved. Between that look and the use a link could
// be put there by who can write to the directory: that is the user, or a step that may
// write there. Kinds which run programs of their own are not confined by this.
type bounds struct {
	allow schema.Allow
	outer *bounds // of the pipeline that includes it: what it may not, this may not
}

// isRemote reports, from the name of a pipeline's text, whether it is not a file
// of this machine: then the name is its address.
func isRemote(doc *schema.Doc) bool {
	return doc != nil && strings.Contains(doc.Name(), "://")
}

// outermost are the bounds of a remote pipeline that nothing includes, so that
// nothing can allow it more.
var outermost = &bounds{}

// boundsOf returns the bounds of the pipeline that is compiled.
func boundsOf(doc *schema.Doc) *bounds {
	if isRemote(doc) {
		return outermost
	}
	return nil
}

// access is how something of this machine is touched.
type access uint8

const (
	readsFile access = iota
	savesTo
	readsSecret
	readsVariable
)

// touch is one use of something of this machine. name is as it is written, ""
// for something of the user's that the pipeline does not name.
type touch struct {
	access access
	name   string
	at     schema.Position
}

// bounds returns the bounds of the pipeline in doc, which d includes.
func (c *compiler) bounds(d *draft, doc *schema.Doc) *bounds {
	outer, at := d.scope.bounds, d.At.Child("allow")
	if !isRemote(doc) {
		if d.src.Allow != nil {
			c.fail(at.KeyErrorf("allow is for a remote pipeline; one in a file may do what this one may").WithHint("leave it out"))
		}
		return outer
	}
	b := &bounds{outer: outer}
	if d.src.Allow == nil {
		return b
	}
	b.allow = *d.src.Allow
	for _, list := range []struct {
		key    string
		access access
		names  []string
	}{{"read", readsFile, b.allow.Read}, {"write", savesTo, b.allow.Write}, {"secrets", readsSecret, b.allow.Secrets}, {"env", readsVariable, b.allow.Env}} {
		for i, n := range list.names {
			at := at.Child(list.key, strconv.Itoa(i))
			if _, ok := c.plan.Secrets[n]; !ok && list.access == readsSecret {
				c.fail(at.Errorf("no secret %q", n).WithHint("%s", suggest(n, slices.Sorted(maps.Keys(c.plan.Secrets)), "add it under secrets:")))
				continue
			}
			c.check(outer, touch{list.access, n, at})
		}
	}
	return b
}

// check notes what b does not permit, as it is written.
func (c *compiler) check(b *bounds, touches ...touch) {
	for _, t := range touches {
		if err := b.check("", t); err != nil {
			c.fail(err)
		}
	}
}

// check refuses a touch that is out of bounds. With the directory of the run,
// dir, links are followed; without it, only what is written is looked at.
func (b *bounds) check(dir string, touches ...touch) error {
	var errs []error
	for _, t := range touches {
		for o := b; o != nil; o = o.outer {
			if !o.permits(t) {
				errs = append(errs, o.refuse(t, ""))
				break
			}
			if dir == "" || o.leads(dir, t) {
				continue
			}
			errs = append(errs, o.refuse(t, ", which is a link that leads there"))
			break
		}
	}
	return schema.Join(errs)
}

// permits reports whether what is written is within b.
func (b *bounds) permits(t touch) bool {
	switch t.access {
	case readsSecret:
		return slices.Contains(b.allow.Secrets, t.name)
	case readsVariable:
		return slices.Contains(b.allow.Env, t.name)
	}
	if slices.Contains(b.granted(t), t.name) && t.name != "" {
		return true
	}
	path, here := schema.LocalPath(t.name)
	switch {
	case !here:
		return t.access == readsFile // not a file
	case path == "":
		return false
	case path == "-":
		return t.access == savesTo
	case t.access == savesTo && filepath.IsLocal(path) && filepath.Clean(path) != ".":
		return true
	}
	// What is cleaned and what the system makes of .. may differ after a link.
	if filepath.IsAbs(path) && filepath.Clean(path) != path {
		return false
	}
	return slices.ContainsFunc(b.granted(t), func(g string) bool { return below(g, path) })
}

// granted lists the paths that t may be one of, or below one of.
func (b *bounds) granted(t touch) []string {
	if t.access == savesTo {
		return b.allow.Write
	}
	return b.allow.Read
}

// leads reports whether what t names is within b when links are followed.
func (b *bounds) leads(dir string, t touch) bool {
	path, here := schema.LocalPath(t.name)
	if !here || path == "-" || t.access == readsSecret || t.access == readsVariable {
		return true
	}
	to, err := realPath(inDir(dir, path))
	if err != nil {
		return false
	}
	roots := b.granted(t)
	if t.access == savesTo {
		roots = append([]string{"."}, roots...)
	}
	return slices.ContainsFunc(roots, func(g string) bool {
		root, err := realPath(inDir(dir, g))
		return err == nil && below(root, to)
	})
}

// below reports whether path is root, or in it, as they are written.
func below(root, path string) bool {
	rel, err := filepath.Rel(root, path)
	return err == nil && filepath.IsLocal(rel)
}

// realPath follows the links of path, also where its end is not there yet. A
// link to nothing is an error: what is written there could be anywhere.
func realPath(path string) (string, error) {
	rest := ""
	for {
		to, err := filepath.EvalSymlinks(path)
		if err == nil {
			return filepath.Join(to, rest), nil
		}
		if _, lerr := os.Lstat(path); !errors.Is(lerr, fs.ErrNotExist) || filepath.Dir(path) == path {
			return "", err
		}
		path, rest = filepath.Dir(path), filepath.Join(filepath.Base(path), rest)
	}
}

func inDir(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// refuse is the error for a touch; why is added to what it may not do. The hint is what
// to add for it, except where nothing includes the pipeline and could allow it.
func (b *bounds) refuse(t touch, why string) error {
	what, key := "", ""
	switch t.access {
	case readsFile:
		what, key = "read "+shown(t.name), "read"
	case savesTo:
		what, key = "save to "+shown(t.name), "write"
	case readsSecret:
		what, key = "read the secret "+shown(t.name), "secrets"
	case readsVariable:
		what, key = "read the variable "+shown(t.name), "env"
	}
	e := t.at.Errorf("a remote pipeline may not %s%s", what, why)
	e.Code = schema.Unauthorized
	switch {
	case t.name == "":
		return e.WithHint("have the pipeline name the file, as a parameter, and allow that")
	case b == outermost:
		return e.WithHint("save the pipeline to a file, read it, and run the file")
	}
	return e.WithHint("if that is meant, add allow: {%s: [%s]} to the step that includes it", key, t.name)
}

// shown is what is touched, in a message.
func shown(name string) string {
	if name == "" {
		return "what it does not name: a key of who runs it"
	}
	return strconv.Quote(name)
}

// Within refuses what n would touch outside its step's bounds.
func (n *Node) Within(dir string, with Params, out string) error {
	b := n.bounds
	if n.Step != nil {
		b = n.Step.bounds
	}
	if b == nil {
		return nil
	}
	touches := n.touches(with, out)
	if n.Step != nil {
		touches = append(touches, n.Step.touches()...)
	}
	return b.check(dir, touches...)
}

// touches lists what n touches, beside the files of its step, as far as with
// and out are known.
func (n *Node) touches(with Params, out string) []touch {
	if n.Type == LoadNode {
		return []touch{{readsFile, n.URI, n.at}}
	}
	var all []touch
	if out != "" && !strings.Contains(out, "${") {
		all = append(all, touch{savesTo, out, n.Step.At.Child("out")})
	}
	for _, l := range n.locals(with) {
		t := touch{readsFile, l.Path, n.Step.At.Child("with").Child(l.Param...)}
		if l.Write {
			t.access = savesTo
		}
		all = append(all, t)
	}
	return all
}

// touches lists the files that the step declares as its inputs.
func (s *Step) touches() []touch {
	var all []touch
	for i, f := range s.Files {
		all = append(all, touch{readsFile, f, s.At.Child("files", strconv.Itoa(i))})
	}
	return all
}

// locals lists what n's parameters name of this machine; none if they are not
// known yet, wrong, or of a type that a program brings itself.
func (n *Node) locals(with Params) []schema.Local {
	if with.Late || with.JSON == "" || n.Step.Kind == nil || !n.Step.Kind.Defined() {
		return nil
	}
	var v map[string]any
	if err := json.Unmarshal([]byte(with.JSON), &v); err != nil {
		panic("BUG: parameters that are not JSON: " + err.Error())
	}
	all, err := schema.Locals(n.Step.Kind.Params, v)
	if err != nil {
		panic("BUG: " + err.Error())
	}
	return all
}
