package main

import (
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/NVIDIA/eidos/cmd/internal/story"
	"github.com/NVIDIA/eidos/schema"
)

// The page about CI has the one table of exit statuses.
func TestExitStatusesAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/ci.md")
	if err != nil {
		t.Fatal(err)
	}
	want := "| status | meaning |\n|---|---|\n| 0 | done |\n"
	for _, c := range schema.Codes() {
		want += fmt.Sprintf("| %d | %s |\n", c.Exit, c.Meaning)
	}
	if !strings.Contains(string(page), want+"\n") {
		t.Errorf("docs/ci.md lacks\n%s", want)
	}
}

// The documentation of logs names every key of a line.
func TestLogLinesAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/events.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(page), "--log-json\n")
	line := reflect.TypeFor[story.Line]()
	for i := range line.NumField() {
		if key := line.Field(i).Tag.Get("json"); !strings.Contains(section, "| `"+key+"` |") {
			t.Errorf("docs/events.md does not explain %q", key)
		}
	}
}
