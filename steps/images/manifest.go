package images

import (
	"fmt"
	"strings"

	"github.com/NVIDIA/eidos/schema/imageref"
	"github.com/NVIDIA/eidos/schema/pattern"
)

// Lines of a component's own manifests, Helm templates, that name an image.
var (
	imageLine   = pattern.New(`(?m)^([ \t]*)(?:- )?image:[ \t]*(.+?)[ \t]*$`)
	versionLine = pattern.New(`(?m)^([ \t]*)version:[ \t]*(.+?)[ \t]*$`)
	getDefault  = pattern.New(`^\{\{-? *get \$c "([^"]+)" \| default "([^"]+)"(?: \| quote)? *-?\}\}$`)
	digDefault  = pattern.New(`^\{\{-? *dig((?: "[^"]+")+) \$c(?: \| quote)? *-?\}\}$`)
	quotedWord  = pattern.New(`"([^"]+)"`)
)

// expression is a scalar in a manifest: a literal, or a value with a default.
type expression struct {
	text string   // the value
	keys []string // where it is set in the component's values; nil for a literal
}

// evaluate reads a scalar with a component's values. False if it is written in
// another way than the catalogue's manifests are.
func evaluate(s string, values map[string]any) (expression, bool) {
	if i := strings.Index(s, " #"); i >= 0 && !strings.Contains(s[:i], "{{") {
		s = strings.TrimSpace(s[:i])
	}
	if q := strings.Trim(s, `"'`); !strings.Contains(s, "{{") {
		return expression{text: q}, true
	}
	var e expression
	if m := getDefault.FindStringSubmatch(s); m != nil {
		e = expression{m[2], []string{m[1]}}
	} else if m := digDefault.FindStringSubmatch(s); m != nil {
		var words []string
		for _, w := range quotedWord.FindAllStringSubmatch(m[1], -1) {
			words = append(words, w[1])
		}
		e = expression{words[len(words)-1], words[:len(words)-1]}
	}
	if e.keys == nil {
		return e, false
	}
	var at any = values
	for _, k := range e.keys {
		m, _ := at.(map[string]any)
		at = m[k]
	}
	if at != nil && at != "" {
		e.text = fmt.Sprint(at)
	}
	return e, true
}

// placed is an image in a manifest.
type placed struct {
	imageref.Ref
	expression
}

// ofManifest lists the images of a manifest, and says what it cannot read.
func ofManifest(name, text string, values map[string]any) (out []placed, notes []string) {
	for _, m := range imageLine.FindAllStringSubmatchIndex(text, -1) {
		indent, raw := text[m[2]:m[3]], text[m[4]:m[5]]
		e, ok := evaluate(raw, values)
		r, isReference := imageref.Parse(e.text)
		if !ok || !isReference {
			notes = append(notes, fmt.Sprintf("the manifest %s names an image in a way that is not understood: %s", name, raw))
			continue
		}
		if r.Tag == "" && r.Digest == "" {
			r.Tag = beside(text[m[1]:], indent, values)
		}
		if r.Tag == "" && r.Digest == "" {
			notes = append(notes, fmt.Sprintf("the manifest %s names %s without a version", name, r.Repository))
			continue
		}
		out = append(out, placed{r, e})
	}
	return out, notes
}

// beside is the version that the next lines of the same mapping state, as
// packages of Skyhook have it.
func beside(rest, indent string, values map[string]any) string {
	for _, line := range strings.SplitN(strings.TrimPrefix(rest, "\n"), "\n", 4) {
		if m := versionLine.FindStringSubmatch(line); m != nil && m[1] == indent {
			if e, ok := evaluate(m[2], values); ok {
				return e.text
			}
		}
	}
	return ""
}
