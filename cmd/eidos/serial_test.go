package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Packages that make tests without the race detector start no goroutine and
// import nothing that helps several to share data.
func TestSerialPackages(t *testing.T) {
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`(?m)^SERIAL := (.+)$`).FindSubmatch(makefile)
	if line == nil {
		t.Fatal("the Makefile names no SERIAL packages")
	}
	for _, dir := range strings.Fields(string(line[1])) {
		files, err := filepath.Glob(filepath.Join("../..", dir, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d files, %v", dir, len(files), err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			fset := token.NewFileSet()
			parsed, err := parser.ParseFile(fset, file, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			for _, i := range parsed.Imports {
				if slices.Contains([]string{`"sync"`, `"sync/atomic"`, `"golang.org/x/sync/errgroup"`}, i.Path.Value) {
					t.Errorf("%s: imports %s", fset.Position(i.Pos()), i.Path.Value)
				}
			}
			ast.Inspect(parsed, func(n ast.Node) bool {
				if g, ok := n.(*ast.GoStmt); ok {
					t.Errorf("%s: starts a goroutine", fset.Position(g.Pos()))
				}
				return true
			})
		}
	}
}
