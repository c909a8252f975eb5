package main

import (
	"fmt"
	"os"
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

// TestScripts runs every script under testdata/script: the command line as
// users type it. EIDOS_UPDATE=1 rewrites what they expect.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
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
