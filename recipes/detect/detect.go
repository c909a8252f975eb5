// Package detect reads criteria from a snapshot by the rules that the words of
// the catalogue come with: all evidence is weighed together, and what
// contradicts itself leaves the field open.
package detect

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/schema"
)

// Snapshot reads what s shows of the fields that w has rules for.
func Snapshot(w *recipes.Words, s *schema.Snapshot) *schema.DetectionResult {
	out := &schema.DetectionResult{Kind: "DetectionResult", APIVersion: schema.APIVersion, Detected: []schema.Detection{}}
	var c recipes.Criteria
	facts := read(w, s)
	for i, field := range recipes.Fields() {
		f := weighing{field: field, words: w.Fields[field], against: map[string][]piece{}}
		f.collect(w.Naming[field], facts)
		f.unread = facts.unread(f.types)
		if len(f.off) > 0 {
			f.unread = append(f.unread, f.off...)
			slices.Sort(f.unread)
		}
		d := f.decide()
		c[i] = d.Value
		out.Detected = append(out.Detected, d)
	}
	out.Criteria = c.Schema()
	return out
}

// Sentence is a detection in words: "service eks: K8s.server.version = …".
func Sentence(d schema.Detection) string {
	if d.Value == "" {
		return d.Field + " left open: " + d.Open
	}
	return fmt.Sprintf("%s %s, seen in the snapshot: %s", d.Field, d.Value, d.Evidence)
}

// piece is one fact that says something of the field.
type piece struct {
	schema.Finding
	rule string // the pattern that it was found by
}

// weighing is the evidence about one field.
type weighing struct {
	field string
	words []recipes.Word

	proof, sign []piece
	against     map[string][]piece // by word
	// looked are the facts that a rule was about, whether it matched or not.
	looked []string
	// types are the types of measurements that rules are about.
	types []schema.MeasurementType
	// unread is what the snapshot cannot show, and why.
	unread []string
	// off are nodes whose facts do not count, and why.
	off []string
}

// collect finds every fact that the rules are about.
func (f *weighing) collect(naming map[string]string, facts facts) {
	for _, rule := range slices.Sorted(maps.Keys(naming)) {
		for x := range f.at(rule, facts) {
			for name := range strings.SplitSeq(x.name, ", ") {
				f.named(naming[rule], rule, name, x.fact)
			}
		}
	}
	for _, w := range f.words {
		for _, set := range []struct {
			rules map[string]recipes.Evidence
			add   func(piece)
		}{
			{w.Proof, func(p piece) { f.proof = append(f.proof, p) }},
			{w.Sign, func(p piece) { f.sign = append(f.sign, p) }},
			{w.Against, func(p piece) { p.Against = true; f.against[w.Name] = append(f.against[w.Name], p) }},
		} {
			for _, rule := range slices.Sorted(maps.Keys(set.rules)) {
				e := set.rules[rule]
				for x := range f.at(rule, facts) {
					if likeAny(x.value, e.Is, true) && !likeAny(x.value, e.Not, false) {
						set.add(piece{schema.Finding{Shows: w.Name, Evidence: x.String(), Because: e.Because}, rule})
					}
				}
			}
		}
	}
}

// named adds what a measurement names: a word that covers it, or something that
// no word covers.
func (f *weighing) named(weight, rule, name string, x fact) {
	if strings.TrimSpace(name) == "" {
		return
	}
	to := &f.proof
	if weight == "sign" {
		to = &f.sign
	}
	words := covering(f.words, name)
	for _, w := range words {
		*to = append(*to, piece{schema.Finding{Shows: w, Evidence: x.String()}, rule})
	}
	if words == nil {
		if x.pretty != "" {
			name = x.pretty
		}
		*to = append(*to, piece{schema.Finding{Shows: name, Unknown: true, Evidence: x.String()}, rule})
	}
}

// decide weighs what was collected: proof first, signs where there is none.
func (f *weighing) decide() schema.Detection {
	d := schema.Detection{Field: f.field, Unread: f.unread}
	pieces := f.proof
	if len(pieces) == 0 {
		pieces = f.sign
	}
	pieces = f.narrow(pieces)
	slices.SortStableFunc(pieces, func(a, b piece) int { return rank(a) - rank(b) })
	shown := map[string]bool{}
	var unknown []string
	for _, p := range pieces {
		switch {
		case !p.Unknown:
			shown[p.Shows] = true
		case !slices.Contains(unknown, p.Shows):
			unknown = append(unknown, p.Shows)
		}
	}
	words := slices.Sorted(maps.Keys(shown))
	switch {
	case len(words) == 1 && len(unknown) == 0 && len(f.against[words[0]]) == 0:
		d.Value, d.Evidence = words[0], pieces[0].Evidence
		for _, p := range f.narrow(append(pieces[1:len(pieces):len(pieces)], f.sign...)) {
			if p.Shows == d.Value && p.Evidence != d.Evidence && !slices.Contains(d.Also, p.Evidence) {
				d.Also = append(d.Also, p.Evidence)
			}
		}
		return d
	case len(words) == 1 && len(unknown) == 0:
		bad := f.against[words[0]]
		d.Open = fmt.Sprintf("%s suggests %s, but %s", pieces[0].Evidence, words[0], reasons(bad))
		pieces = append(pieces[:len(pieces):len(pieces)], bad...)
	case len(pieces) == 0:
		d.Open = f.nothing()
	case len(words) == 0:
		// One thing has several names: an id, and a text for people.
		d.Open = fmt.Sprintf("no word of the catalogue covers %s: %s", longest(unknown), list(pieces))
	default:
		d.Open = "the snapshot shows more than one: " + list(pieces)
	}
	for _, p := range pieces {
		if !slices.Contains(d.Found, p.Finding) {
			d.Found = append(d.Found, p.Finding)
		}
	}
	return d
}

// narrow takes evidence for a word as evidence for the special case of it that
// something else shows.
func (f *weighing) narrow(pieces []piece) []piece {
	for _, w := range f.words {
		special := func(p piece) bool { return !p.Unknown && p.Shows == w.Name }
		if w.Narrows == "" || !slices.ContainsFunc(append(pieces[:len(pieces):len(pieces)], f.proof...), special) {
			continue
		}
		pieces = slices.Clone(pieces)
		for i := range pieces {
			if !pieces[i].Unknown && pieces[i].Shows == w.Narrows {
				pieces[i].Shows = w.Name
			}
		}
	}
	return pieces
}

// nothing says what was looked at in vain, and which words nothing can show.
func (f *weighing) nothing() string {
	var hidden, why []string
	for _, w := range f.words {
		if w.Undetected != "" {
			hidden = append(hidden, w.Name+" ("+w.Undetected+")")
			why = append(why, w.Undetected)
		}
	}
	if why = slices.Compact(why); len(f.types) == 0 && len(why) == 1 {
		return why[0]
	}
	text := "the snapshot has no measurement that could show it"
	if len(f.looked) > 0 {
		text = "nothing shows it; looked at " + some(f.looked)
	}
	if len(f.unread) > 0 {
		text += "; not looked at: " + some(f.unread)
	}
	if len(hidden) > 0 {
		text += "; no measurement shows " + some(hidden)
	}
	return text
}

// rank orders evidence: what was measured at the thing itself comes first.
func rank(p piece) int {
	if group, _ := split(p.rule); typeOf(group).Local() || group == "K8s.server" {
		return 0
	}
	return 1
}

// list is what pieces show, one evidence each.
func list(pieces []piece) string {
	var out []string
	seen := map[string]bool{}
	for _, p := range pieces {
		if !seen[p.Shows] {
			seen[p.Shows] = true
			out = append(out, fmt.Sprintf("%s (%s)", p.Shows, p.Evidence))
		}
	}
	slices.Sort(out)
	return some(out)
}

func reasons(pieces []piece) string {
	var out []string
	for _, p := range pieces {
		text := p.Evidence
		if p.Because != "" {
			text += ": " + p.Because
		}
		out = append(out, text)
	}
	return some(out)
}

// some joins up to six texts and counts the rest.
func some(texts []string) string {
	const most = 6
	if len(texts) <= most {
		return strings.Join(texts, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(texts[:most], ", "), len(texts)-most)
}

func longest(texts []string) string {
	return slices.MaxFunc(texts, func(a, b string) int { return len(a) - len(b) })
}
