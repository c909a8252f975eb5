package console

import (
	"bytes"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/NVIDIA/eidos/cmd/internal/story"
)

// For debugging, the source of what is reported is the code that reports it.
func TestSayNamesTheCaller(t *testing.T) {
	var out bytes.Buffer
	c := &Console{Err: &out}
	c.Tell(story.Debug)
	_, _, line, _ := runtime.Caller(0)
	c.Say("%s is written", "a file")
	if want := fmt.Sprintf("console_test.go:%d ", line+1); !strings.Contains(out.String(), want) {
		t.Errorf("%q has no %q", out.String(), want)
	}
}
