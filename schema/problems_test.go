package schema

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestProblemsAreBounded: of 5,000 problems the first twenty are worded, the
// rest is a number, whoever found them.
func TestProblemsAreBounded(t *testing.T) {
	const n = 5_000
	repeat := func(head, line string) string {
		var b strings.Builder
		b.WriteString(head)
		for i := range n {
			fmt.Fprintf(&b, line+"\n", i)
		}
		return b.String()
	}
	pipeline := "kind: Pipeline\napiVersion: " + APIVersion + "\nmetadata: {name: a}\n"
	for name, tt := range map[string]struct {
		text, first string
		more        string
	}{
		"unknown keys":  {repeat(pipeline+"steps: {}\n", "bad%d: x"), `bad0: unknown key "bad0" (p:5:1)`, "… and 4,980 more"},
		"bad names":     {repeat(pipeline+"steps:\n", "  B%d: {}"), `steps.B0: "B0" is not a good name here (p:5:3)`, "… and 4,980 more"},
		"elements":      {repeat(pipeline+"steps:\n  a:\n    needs:\n", "    - {a: %d}"), "steps.a.needs[0]: must be text, not a mapping (p:7:7)", "… and 4,980 more"},
		"wrong values":  {repeat(pipeline+"steps:\n", "  s%d: {needs: x}"), `steps.s0.needs: must be a list, not "x" (p:5:15)`, "… and 4,980 more"},
		"alternatives":  {repeat(pipeline+"steps: {}\nparams:\n", "  p%d: {type: x}"), `params.p0.type: no type "x" (p:6:14)`, "… and 4,980 more"},
		"keys twice":    {repeat(pipeline+"steps:\n", "  s: {} # %d"), "steps.s: duplicate key, first at line 5 (p:6:3)", "… and 4,979 more"},
		"behind sorted": {repeat(pipeline+"zzz: x\nsteps: {}\n", "aaa%d: x"), `zzz: unknown key "zzz" (p:4:1)`, "… and 4,981 more"},
	} {
		t.Run(name, func(t *testing.T) {
			var p Pipeline
			err := Decode("p", []byte(tt.text), &p)
			lines := strings.Split(ErrorText(err), "\n")
			if len(lines) != MaxProblems+1 || lines[0] != tt.first || lines[MaxProblems] != tt.more {
				t.Errorf("%d lines, from %q to %q; want 21, from %q to %q", len(lines), lines[0], lines[len(lines)-1], tt.first, tt.more)
			}
			if kept := len(List(err)); kept > maxKept+1 {
				t.Errorf("%d errors are kept", kept)
			}
		})
	}
}

func TestProblems(t *testing.T) {
	var p Problems
	if p.Err() != nil || p.Len() != 0 {
		t.Error("the zero value has problems")
	}
	for i := range 30 {
		p.Add(Errorf(Invalid, "no %d", i).At(fmt.Sprintf("f:%d:1", 30-i), ""))
	}
	p.Count(1970)
	p.Add(nil)
	var all Problems
	all.Add(errors.Join(p.Err(), errors.New("plain")))
	shown, left := First(Join([]error{all.Err()}))
	if p.Len() != 2000 || all.Len() != 2001 || len(shown) != MaxProblems || left != 1981 {
		t.Errorf("%d and %d problems, %d shown, %d left out", p.Len(), all.Len(), len(shown), left)
	}
	if !slices.IsSortedFunc(shown, func(a, b error) int {
		_, la, _ := splitPos(posOf(a))
		_, lb, _ := splitPos(posOf(b))
		return la - lb
	}) {
		t.Errorf("not in the order of positions: %v", shown)
	}
	if CodeOf(all.Err()) != Invalid {
		t.Errorf("code %s", CodeOf(all.Err()))
	}
	for n, want := range map[int]string{1: "… and 1 more", 999: "… and 999 more", 19980: "… and 19,980 more", 1234567: "… and 1,234,567 more"} {
		if More(n) != want {
			t.Errorf("More(%d) = %q", n, More(n))
		}
	}
	if s := Lines(strings.Fields(strings.Repeat("a ", 22)), "|"); s != strings.Repeat("a|", 20)+"… and 2 more" {
		t.Error(s)
	}
}

// TestPositionsOfLargeMappings: a key is found by an index, not by looking
// through its neighbours.
func TestPositionsOfLargeMappings(t *testing.T) {
	var b strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&b, "k%d: %d\n", i, i)
	}
	d, err := Parse("f", []byte(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range []int{0, 1, 500, 999} {
		if got, want := d.Pos(fmt.Sprintf("k%d", i)), fmt.Sprintf("f:%d:%d", i+1, len(fmt.Sprint("k", i))+3); got != want && i > 9 {
			t.Errorf("k%d stands at %s, want %s", i, got, want)
		}
		if got, want := d.KeyPos(fmt.Sprintf("k%d", i)), fmt.Sprintf("f:%d:1", i+1); got != want {
			t.Errorf("key k%d stands at %s, want %s", i, got, want)
		}
	}
	if len(d.index.keys) != 1 {
		t.Errorf("%d indexes", len(d.index.keys))
	}
	if d.At("k1000") != nil || d.At("k999") == nil {
		t.Error("At")
	}
}
