package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/NVIDIA/eidos/cmd/internal/racetest"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"eidos": func() { os.Exit(mainStatus()) },
		"fetch": func() { os.Exit(fetchMain()) },
	})
}

// sideBySide is what a script has that runs steps, collectors or requests beside
// each other. Every other command is a pipeline of one step.
var sideBySide = regexp.MustCompile(`eidos (run|ui|snapshot|mirror|registry)\b|--vendor-charts`)

// TestScripts runs every script under testdata/script: the command line as
// users type it. EIDOS_UPDATE=1 rewrites what they expect. Under the race detector,
// which makes each command take ten times as long, only what is sideBySide runs:
// make real runs them all.
func TestScripts(t *testing.T) {
	scripts, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("%d scripts, %v", len(scripts), err)
	}
	if racetest.Detector {
		scripts = slices.DeleteFunc(scripts, func(file string) bool {
			text, err := os.ReadFile(file)
			return err == nil && !sideBySide.Match(text)
		})
	}
	testscript.Run(t, testscript.Params{
		Files:               scripts,
		UpdateScripts:       os.Getenv("EIDOS_UPDATE") != "",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               setup,
		Cmds:                commands(),
		Condition: func(cond string) (bool, error) {
			switch cond {
			case "root":
				return os.Getuid() == 0, nil
			case "tools":
				return os.Getenv("EIDOS_REAL_TOOLS") != "", nil
			case "race":
				return racetest.Detector, nil
			}
			return false, fmt.Errorf("no condition %q", cond)
		},
	})
}
