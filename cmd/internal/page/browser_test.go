package page_test

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/NVIDIA/eidos/cmd/internal/page"
	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/history"
	"github.com/NVIDIA/eidos/engine/plan"
	"github.com/NVIDIA/eidos/engine/run"
	"github.com/NVIDIA/eidos/engine/store"
	"github.com/NVIDIA/eidos/schema"
)

// aRun is the pages of a state directory with one run, of which a step failed.
func aRun(t *testing.T) *page.Runs {
	t.Helper()
	kinds := []engine.Kind{
		engine.Define(engine.Spec{Name: "count", Version: 1}, func(_ context.Context, env engine.Env, _ struct{}, _ struct{}) (*schema.RecipeCriteria, error) {
			env.Log("counting")
			return &schema.RecipeCriteria{}, nil
		}),
		engine.Define(engine.Spec{Name: "burn", Version: 1}, func(_ context.Context, _ engine.Env, _ struct{}, _ struct {
			Criteria *schema.RecipeCriteria `in:"criteria"`
		}) (*schema.RecipeCriteria, error) {
			return nil, schema.Errorf(schema.Failed, "the disk <b>burns").WithHint("use another")
		}),
	}
	var p schema.Pipeline
	if err := schema.Decode("p.yaml", []byte(`{apiVersion: eidos.nvidia.com/v1alpha1, kind: Pipeline, metadata: {name: fleet}, steps: {
  first: {uses: count}, second: {uses: burn, in: {criteria: first}}}}`), &p); err != nil {
		t.Fatal(err)
	}
	compiled, err := plan.Compile(&p, nil, kinds, plan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if _, err := (&run.Runner{Store: s, Source: &engine.Source{File: "/src/p.yaml"}}).Run(context.Background(), compiled); err == nil {
		t.Fatal("the run did not fail")
	}
	return &page.Runs{
		List:   func() ([]history.Run, error) { return history.List(s) },
		Find:   func(id string) (history.Run, error) { return history.Find(s, id) },
		Events: s.Events,
		Plan:   func(context.Context, history.Run) (*plan.Plan, error) { return compiled, nil },
	}
}

// Chromium shows every state in both themes, on a phone and on a desk, without a
// fault of accessibility; what people do works.
func TestInBrowser(t *testing.T) {
	if os.Getenv("EIDOS_REAL_TOOLS") == "" {
		t.Skip("EIDOS_REAL_TOOLS is not set: make test runs it")
	}
	output := func(name string, args ...string) string {
		out, err := exec.Command(name, args...).Output()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return strings.TrimSpace(string(out))
	}
	dir, chromium := output("../../../scripts/npm", "page"), output("../../../scripts/chromium")
	base := serve(t, aRun(t))
	_, list := get(t, base+"/runs")
	one := regexp.MustCompile(`href="(/runs/[^"]+)"`).FindStringSubmatch(list)[1]
	snapshot, err := filepath.Abs("testdata/snapshot.yaml")
	if err != nil {
		t.Fatal(err)
	}
	config, err := json.Marshal(map[string]any{
		"chromium": chromium, "explore": base + "/", "recipe": base + asked, "profiles": base + chosen, "shots": os.Getenv("EIDOS_SHOTS"),
		"snapshot": map[string]string{"page": base + "/snapshot", "file": snapshot},
		"pages": []string{
			base + "/", base + "/?service=eks", base + asked, base + asked + "&deployer=argocd", base + asked + "&catalogue=2026-03", base + chosen, base + "/recipe?service=nix", base + "/snapshot",
			base + "/compare?a.service=eks&a.intent=training&b.service=aks&b.intent=training&b.profile=gpuStack%3Doperator-managed", base + "/runs", base + one, base + "/nosuch",
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "config.json")
	if err := os.WriteFile(file, config, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("node", filepath.Join(dir, "browser.mjs"), file).CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
	light := func(urls ...string) (all []lighthouse) {
		for line := range strings.SplitSeq(output("node", append([]string{filepath.Join(dir, "lighthouse.mjs"), chromium}, urls...)...), "\n") {
			var r lighthouse
			if err := json.Unmarshal([]byte(line), &r); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			t.Log(line)
			all = append(all, r)
		}
		return all
	}
	for _, r := range light(base+"/", base+asked) {
		for _, name := range []string{"accessibility", "best-practices", "seo"} {
			if r.Scores[name] < 95 {
				t.Errorf("%s: %s %d", r.URL, name, r.Scores[name])
			}
		}
		if shift := r.Metrics["cumulative-layout-shift"]; shift > 0.1 {
			t.Errorf("%s: what is shown moves while it is loaded: %g", r.URL, shift)
		}
		// How fast a page is depends on the machine, which has other work: it is the
		// page that is slow if a page of one line is not, before and after it, and if
		// Lighthouse finds the machine fast enough to judge by.
		const wanted, fast = 95, 1000
		for try := 0; r.Scores["performance"] < wanted; try++ {
			got := light(base+"/trivial", r.URL, base+"/trivial")
			if slices.ContainsFunc(got, func(l lighthouse) bool {
				return l.Index < fast || l.URL != r.URL && l.Scores["performance"] < wanted
			}) {
				t.Log("this machine is too slow, or too busy, to judge by")
				break
			}
			r = got[1]
			if try == 2 && r.Scores["performance"] < wanted {
				t.Errorf("%s: performance %d", r.URL, r.Scores["performance"])
				break
			}
		}
	}
}

// lighthouse is what lighthouse.mjs prints of a page.
type lighthouse struct {
	URL     string
	Index   float64 // how fast it found the machine; below 1000 it warns of its own figures
	Scores  map[string]int
	Metrics map[string]float64
}
