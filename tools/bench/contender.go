package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/NVIDIA/eidos/engine"
)

// contender is one tool in one series.
type contender struct {
	name  string
	file  string // its input
	write func(graph) string
	args  []string
	// count tells how many steps the last run ran, and of how many there is a
	// result.
	count func(dir, stdout string, start time.Time) (ran, have int, err error)
}

// series is a table: nothing of one is compared with anything of another.
type series struct {
	name, about string
	current     bool // measured are runs after the first, which have nothing to do
	contenders  []contender
}

// programs are the paths of what is measured.
type programs struct {
	noop, eidos, cueflow, ninja, make, task string
	also                                    []string // NAME=PATH of other builds of noop
}

func (p programs) series(jobs int) []series {
	j := strconv.Itoa(jobs)
	noop := func(name, path string, extra ...string) contender {
		return contender{name, "pipeline.yaml", graph.pipeline, append([]string{path, "-j", j}, extra...), countRun}
	}
	ninja := contender{"ninja", "build.ninja", graph.ninja, []string{p.ninja, "-j", j, "--quiet"}, countFiles}
	gnuMake := func(recipe string) contender {
		return contender{"make", "Makefile", func(g graph) string { return g.makefile(recipe) }, []string{p.make, "-rRs", "-j", j}, countFiles}
	}
	task := func(command string) contender {
		return contender{"task", "Taskfile.yml", func(g graph) string { return g.taskfile(command) }, []string{p.task, "--concurrency", j}, countFiles}
	}
	current := series{"up to date", "nothing has changed since the run before", true, []contender{
		noop("eidos", p.noop),
		{"eidos run", "pipeline.yaml", graph.recipes, []string{p.eidos, "run", "pipeline.yaml", "-j", j, "--quiet", "--state", "state"}, countRun},
		ninja, gnuMake("$(file >$@)"), task(": >"),
	}}
	cold := series{"cold, in process", "every step runs, none in a process of its own", false, []contender{
		noop("eidos", p.noop), gnuMake("$(file >$@)"), task(": >"),
		{"tools/flow", "flow.cue", graph.cue, []string{p.cueflow, "flow.cue"}, countPrinted},
	}}
	spawn := series{"cold, spawning", "every step runs in a process of its own: /usr/bin/touch, for eidos the process executor", false, []contender{
		noop("eidos", p.noop, "-spawn"), ninja, gnuMake("/usr/bin/touch $@"), task("/usr/bin/touch"),
	}}
	for _, a := range p.also {
		name, path, _ := strings.Cut(a, "=")
		current.contenders = append(current.contenders, noop(name, path))
		cold.contenders = append(cold.contenders, noop(name, path))
		spawn.contenders = append(spawn.contenders, noop(name, path, "-spawn"))
	}
	return []series{current, cold, spawn}
}

// set writes what c runs on into the empty directory dir.
func (c contender) set(dir string, g graph) error {
	if err := os.Mkdir(filepath.Join(dir, "out"), 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, c.file), []byte(c.write(g)), 0o644)
}

// check fails unless the run that began at start did what it had to.
func (c contender) check(dir, stdout string, start time.Time, ran, have int) error {
	r, h, err := c.count(dir, stdout, start)
	if err == nil && (r != ran || h != have) {
		err = fmt.Errorf("%d steps ran and %d have a result, not %d and %d", r, h, ran, have)
	}
	return err
}

// countFiles counts the files under out.
func countFiles(dir, _ string, start time.Time) (ran, have int, err error) {
	entries, err := os.ReadDir(filepath.Join(dir, "out"))
	for _, e := range entries {
		fi, err := e.Info()
		if err != nil {
			return 0, 0, err
		}
		have++
		if fi.ModTime().After(start) {
			ran++
		}
	}
	return ran, have, err
}

// countRun reads the journal of eidos' newest run.
func countRun(dir, _ string, _ time.Time) (ran, have int, err error) {
	data, err := newestJournal(dir)
	for _, e := range engine.ParseEvents(data) {
		switch {
		case e.Type != engine.EventStep || e.State != engine.Done:
		case e.Action == engine.ActionReuse:
			have++
		default:
			ran, have = ran+1, have+1
		}
	}
	return ran, have, err
}

func newestJournal(dir string) ([]byte, error) {
	journals, err := filepath.Glob(filepath.Join(dir, "state", "runs", "*", "events.jsonl"))
	if err != nil {
		return nil, err
	}
	var newest string
	var when time.Time
	for _, j := range journals {
		fi, err := os.Stat(j)
		if err != nil {
			return nil, err
		}
		if fi.ModTime().After(when) {
			newest, when = j, fi.ModTime()
		}
	}
	return os.ReadFile(newest)
}

// countPrinted reads the number that the tool printed.
func countPrinted(_, stdout string, _ time.Time) (ran, have int, err error) {
	ran, err = strconv.Atoi(strings.TrimSpace(stdout))
	return ran, ran, err
}

// version is the first line of what a tool says of itself.
func version(args ...string) string {
	out, err := exec.Command(args[0], args[1:]...).Output()
	if err != nil {
		return err.Error()
	}
	line, _, _ := strings.Cut(string(out), "\n")
	return line
}
