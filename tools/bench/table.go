package main

import (
	"debug/buildinfo"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"
)

// cell is one contender on one graph.
type cell struct {
	usage
	runs    int
	journal float64 // bytes a step
	left    string  // why there are no figures
}

// table is one series.
type table struct {
	series series
	graphs []graph
	runs   int
	cells  map[string]cell // by contender and graph
	wrong  int             // contenders that did not do what they had to
}

// hopeless says why c is not tried on g: it was too slow on a smaller one.
func (t *table) hopeless(c contender, g graph) string {
	for _, s := range t.graphs {
		if left := t.cells[c.name+s.String()].left; left != "" && s.shape == g.shape && s.n < g.n {
			return fmt.Sprintf("not tried, as %s was left out", s)
		}
	}
	return ""
}

func (t *table) add(x *turn, g graph, limit time.Duration) {
	c := cell{runs: len(x.all), journal: float64(x.journal) / float64(g.n)}
	switch {
	case errors.Is(x.err, errLimit):
		c.left = fmt.Sprintf("did not end in %s", limit)
	case x.err != nil:
		c.left = "WRONG: " + strings.ReplaceAll(x.err.Error(), "\n", "; ")
		t.wrong++
	case c.runs == 0:
		c.left = "no time was left"
	default:
		c.usage = median(x.all)
	}
	t.cells[x.name+g.String()] = c
}

// header says what was measured, how, where and when.
func header(p programs, runs int, limit time.Duration, jobs int) {
	load, _ := os.ReadFile("/proc/loadavg")
	fmt.Printf("%s, %d processors (%s), load %s\n", time.Now().UTC().Format("2006-01-02 15:04 MST"), runtime.NumCPU(), processor(), strings.Join(strings.Fields(string(load))[:3], " "))
	fmt.Printf("command: %s\n", strings.Join(append([]string{"bench"}, brief(os.Args[1:])...), " "))
	fmt.Printf("versions: %s; ninja %s; %s; task %s; %s; %s\n", version(p.eidos, "version"), version(p.ninja, "--version"), version(p.make, "--version"), version(p.task, "--version"), cueVersion(p.cueflow), runtime.Version())
	fmt.Printf("Cells: processor seconds of the process and all that it started, user and system, / peak MiB of its largest process.\n")
	fmt.Printf("Medians of %d runs, of as many as are in brackets where a run is slow. %d steps at once. A run that takes over %s is left out.\n", runs, jobs, limit)
	fmt.Printf("A process that does nothing: %s\n", floor())
}

// brief leaves out where programs are.
func brief(args []string) []string {
	return slices.DeleteFunc(slices.Clone(args), func(a string) bool { return strings.Contains(a, "=/") })
}

// cueVersion is that of the module that cueflow was built with.
func cueVersion(program string) string {
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return err.Error()
	}
	for _, m := range info.Deps {
		if m.Path == "cuelang.org/go" {
			return m.Path + " " + m.Version
		}
	}
	return "no CUE in " + program
}

func processor() string {
	info, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(info)) {
		if name, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(v)
		}
	}
	return runtime.GOARCH
}

// floor is what measuring itself adds: /bin/true.
func floor() string {
	u, _, err := measure(os.TempDir(), time.Minute, []string{"/bin/true"})
	if err != nil {
		return err.Error()
	}
	return u.String()
}

func (u usage) String() string { return fmt.Sprintf("%.3f / %.0f", u.CPU, float64(u.Peak)/(1<<20)) }

func (c cell) String() string {
	if c.left != "" {
		return "–"
	}
	return c.usage.String()
}

func (t *table) print() {
	fmt.Printf("\n## %s: %s\n\n", t.series.name, t.series.about)
	row := func(first string, cell func(contender) string) {
		fmt.Printf("| %-16s |", first)
		for _, c := range t.series.contenders {
			fmt.Printf(" %-*s |", max(14, len(c.name)), cell(c))
		}
		fmt.Println()
	}
	row("", func(c contender) string { return c.name })
	row("---", func(contender) string { return "---" })
	for _, g := range t.graphs {
		row(g.String(), func(c contender) string {
			x := t.cells[c.name+g.String()]
			if x.left == "" && x.runs < t.runs {
				return fmt.Sprintf("%s (%d)", x, x.runs)
			}
			return x.String()
		})
	}
	for i, g := range t.graphs {
		if i == 0 || t.graphs[i-1].shape != g.shape || g.n != 10*t.graphs[i-1].n || g.n < 10000 {
			continue
		}
		row("ten times "+g.shape, func(c contender) string {
			small, big := t.cells[c.name+t.graphs[i-1].String()], t.cells[c.name+g.String()]
			if small.left != "" || big.left != "" {
				return "–"
			}
			return fmt.Sprintf("× %.1f", big.CPU/small.CPU)
		})
	}
	row("journal, B/step", func(c contender) string {
		most := 0.0
		for _, g := range t.graphs {
			most = max(most, t.cells[c.name+g.String()].journal)
		}
		if most == 0 {
			return "–"
		}
		return fmt.Sprintf("%.0f", most)
	})
	fmt.Println()
	for _, c := range t.series.contenders {
		for _, g := range t.graphs {
			if left := t.cells[c.name+g.String()].left; left != "" {
				fmt.Printf("- left out: %s, %s: %s\n", c.name, g, left)
			}
		}
	}
}
