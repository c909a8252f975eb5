package plan

import (
	"bytes"
	"testing"

	"github.com/NVIDIA/eidos/schema"
)

func FuzzText(f *testing.F) {
	for _, s := range []string{"", "plain", "${params.a}", "a${matrix.b}c$${d}", "${", "$${", "${}", "${a..b}", "$$$${x}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := parseText(s)
		if err != nil {
			if len(p.literal) > 0 || len(p.refs) > 0 {
				t.Fatal("half a result beside an error")
			}
			return
		}
		if len(p.literal) != len(p.refs)+1 {
			t.Fatalf("%d literals, %d references", len(p.literal), len(p.refs))
		}
		// Printed and read again, it is the same.
		var b bytes.Buffer
		for i, l := range p.literal {
			b.WriteString(string(bytes.ReplaceAll([]byte(l), []byte("${"), []byte("$${"))))
			if i < len(p.refs) {
				b.WriteString(p.refs[i].String())
			}
		}
		again, err := parseText(b.String())
		if err != nil || len(again.refs) != len(p.refs) {
			t.Fatalf("%q printed as %q: %v", s, b.String(), err)
		}
	})
}

func FuzzPipeline(f *testing.F) {
	f.Add([]byte("steps: {a: {uses: k, matrix: {x: [1]}, with: {a: \"${matrix.x}\"}}}"))
	f.Add([]byte("steps: {a: {uses: k, needs: [a]}, b: {include: x}}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		doc, err := schema.Parse("p", append([]byte("apiVersion: "+schema.APIVersion+"\nkind: Pipeline\nmetadata: {name: x}\n"), data...))
		if err != nil {
			return
		}
		var p schema.Pipeline
		if doc.Decode(&p) != nil {
			return
		}
		plan, err := Compile(&p, doc, nil, Options{})
		if (plan == nil) == (err == nil) {
			t.Fatal("a plan and an error, or neither")
		}
	})
}
