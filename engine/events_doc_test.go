package engine_test

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/NVIDIA/eidos/engine"
)

// The documentation of events names every field and every code there is.
func TestEventsAreDocumented(t *testing.T) {
	doc, err := os.ReadFile("../docs/events.md")
	if err != nil {
		t.Fatal(err)
	}
	check := func(word string) {
		if !strings.Contains(string(doc), "`"+word+"`") {
			t.Errorf("docs/events.md does not explain %q", word)
		}
	}
	e := reflect.TypeFor[engine.Event]()
	for i := range e.NumField() {
		name, _, _ := strings.Cut(e.Field(i).Tag.Get("json"), ",")
		check(name)
	}
	source, err := os.ReadFile("decision.go")
	if err != nil {
		t.Fatal(err)
	}
	codes := regexp.MustCompile(`ReasonCode = "([a-z-]+)"`).FindAllSubmatch(source, -1)
	if len(codes) < 15 {
		t.Fatalf("only %d codes", len(codes))
	}
	for _, c := range codes {
		check(string(c[1]))
	}
}
