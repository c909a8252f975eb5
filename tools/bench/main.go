// bench measures eidos' engine beside ninja, make, task and CUE's tools/flow:
// the same graphs, whole processes, one run. `make bench-engines` builds what
// it needs and calls it.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"
)

// enough is how long one combination is measured again, up to -runs.
const enough = 10 * time.Second

// firstLimit is how many times the limit a run that is not measured may take.
const firstLimit = 3

func main() {
	if len(os.Args) > 2 && os.Args[1] == "launch" {
		if err := launch(os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if err := run(); err != nil {
		fmt.Fprintf(os.Stderr, "bench: %v\n", err)
		os.Exit(1)
	}
}

func run() error {
	var p programs
	for name, to := range map[string]*string{"noop": &p.noop, "eidos": &p.eidos, "cueflow": &p.cueflow, "ninja": &p.ninja, "make": &p.make, "task": &p.task} {
		flag.StringVar(to, name, "", "path of the program")
	}
	flag.Func("also", "NAME=PATH of another build of noop (may be repeated)", func(s string) error {
		p.also = append(p.also, s)
		return nil
	})
	shapes := flag.String("shapes", "fan,chain,layered", "shapes of graphs")
	sizes := flag.String("sizes", "100,1000,10000", "numbers of steps")
	only := flag.String("only", "", "the series whose name begins so")
	tools := flag.String("tools", "", "the tools whose name contains this")
	runs := flag.Int("runs", 5, "runs of each combination")
	limit := flag.Duration("limit", 20*time.Second, "longest run; what takes longer is left out")
	total := flag.Duration("total", 9*time.Minute, "how long all may take; what has no turn until then is left out")
	jobs := flag.Int("j", runtime.NumCPU(), "steps at once")
	flag.Parse()
	var graphs []graph
	for _, shape := range strings.Split(*shapes, ",") {
		for _, size := range strings.Split(*sizes, ",") {
			n, err := strconv.Atoi(size)
			if err != nil {
				return fmt.Errorf("reading -sizes: %w", err)
			}
			graphs = append(graphs, graph{shape, n})
		}
	}
	header(p, *runs, *limit, *jobs)
	failed := false
	all := slices.DeleteFunc(p.series(*jobs), func(s series) bool { return !strings.HasPrefix(s.name, *only) })
	begun := time.Now()
	for i, s := range all {
		until := begun.Add(*total * time.Duration(i+1) / time.Duration(len(all)))
		s.contenders = slices.DeleteFunc(s.contenders, func(c contender) bool { return !strings.Contains(c.name, *tools) })
		t := &table{series: s, graphs: graphs, runs: *runs, cells: map[string]cell{}}
		for _, g := range slices.SortedStableFunc(slices.Values(graphs), func(a, b graph) int { return a.n - b.n }) {
			measureAll(t, g, *limit, until)
		}
		t.print()
		failed = failed || t.wrong > 0
	}
	if failed {
		return errors.New("some did not do what they had to")
	}
	return nil
}

// measureAll measures every contender on g, in turns, so that a busy moment of
// the machine is shared by all; none begins a turn after until.
func measureAll(t *table, g graph, limit time.Duration, until time.Time) {
	defer debug.FreeOSMemory()
	var turns []*turn
	for _, c := range t.series.contenders {
		if why := t.hopeless(c, g); why != "" {
			t.cells[c.name+g.String()] = cell{left: why}
			continue
		}
		turns = append(turns, &turn{contender: c})
	}
	for range t.runs {
		for _, x := range turns {
			if x.err == nil && x.spent < enough && time.Now().Before(until) {
				x.once(t, g, limit)
			}
		}
	}
	for _, x := range turns {
		if x.dir != "" {
			os.RemoveAll(x.dir)
		}
		t.add(x, g, limit)
	}
}

// turn is one contender while one graph is measured.
type turn struct {
	contender
	dir     string
	all     []usage
	journal int // bytes
	spent   time.Duration
	err     error
}

// once measures one run. A series of runs that are up to date begins with one
// that is not measured.
func (x *turn) once(t *table, g graph, limit time.Duration) {
	begun := time.Now()
	defer func() { x.spent += time.Since(begun) }()
	fresh := x.dir == "" || !t.series.current
	if fresh {
		if x.dir != "" {
			os.RemoveAll(x.dir)
		}
		if x.dir, x.err = os.MkdirTemp("", "bench"); x.err != nil {
			return
		}
		if x.dir, x.err = filepath.EvalSymlinks(x.dir); x.err != nil {
			return
		}
		if x.err = x.set(x.dir, g); x.err != nil {
			return
		}
	}
	if fresh && t.series.current {
		if _, x.err = x.step(firstLimit*limit, g.n, g.n); x.err != nil {
			return
		}
		begun = time.Now()
	}
	ran := g.n
	if t.series.current {
		ran = 0
	}
	var u usage
	if u, x.err = x.step(limit, ran, g.n); x.err == nil {
		x.all = append(x.all, u)
		if x.file == "pipeline.yaml" {
			var journal []byte
			journal, x.err = newestJournal(x.dir)
			x.journal = len(journal)
		}
	}
}

// step makes one run, and holds it against what it had to do. Files carry the
// time of the kernel's last tick.
func (x *turn) step(limit time.Duration, ran, have int) (usage, error) {
	time.Sleep(20 * time.Millisecond)
	start := time.Now()
	time.Sleep(20 * time.Millisecond)
	u, out, err := measure(x.dir, limit, x.args)
	if err != nil {
		return u, err
	}
	return u, x.check(x.dir, out, start, ran, have)
}
