package page_test

import (
	"encoding/json"
	"path"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/NVIDIA/eidos/cmd/internal/page"
	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/history"
)

func TestRunsPages(t *testing.T) {
	base := serve(t, aRun(t))
	_, list := get(t, base+"/runs")
	link := regexp.MustCompile(`href="(/runs/[^"]+)"`).FindStringSubmatch(list)
	if link == nil {
		t.Fatalf("no run in\n%s", list)
	}
	_, body := get(t, base+link[1])
	for _, want := range []string{`<span class="state failed" id="state">failed`, "eidos retry " + path.Base(link[1]), "the disk &lt;b&gt;burns", "use another", "1 line of log",
		"counting", `data-live="false"`, `src="` + link[1] + `/graph.svg"`} {
		if !strings.Contains(body, want) {
			t.Errorf("no %q in\n%s", want, body)
		}
	}
	for show, rows := range map[string]int{"failed": 1, "done": 1, "reused": 0, "%3Cb%3E": 0} {
		if _, body := get(t, base+link[1]+"?show="+show); strings.Count(body, `<tr id="s-`) != rows || strings.Contains(body, "<b>\"") {
			t.Errorf("%d steps that are %s, not %d, in\n%s", strings.Count(body, `<tr id="s-`), show, rows, body)
		}
	}
	r, svg := get(t, base+link[1]+"/graph.svg")
	if r.Header.Get("Content-Type") != "image/svg+xml" || !strings.Contains(svg, "count · done") || !strings.Contains(svg, "burn · failed") {
		t.Errorf("graph of type %q:\n%s", r.Header.Get("Content-Type"), svg)
	}
	var all, rest struct {
		Seq  int    `json:"seq"`
		Live bool   `json:"live"`
		Stat string `json:"state"`
		Rows []struct{ ID, HTML string }
	}
	_, text := get(t, base+link[1]+"/events?after=0")
	if err := json.Unmarshal([]byte(text), &all); err != nil || len(all.Rows) != 2 || all.Live || all.Stat != "failed" {
		t.Errorf("changes %+v, %v", all, err)
	}
	_, text = get(t, base+link[1]+"/events?after="+strings.TrimSpace(jsonNumber(all.Seq)))
	if err := json.Unmarshal([]byte(text), &rest); err != nil || len(rest.Rows) != 0 || rest.Seq != all.Seq {
		t.Errorf("changes after the last %+v, %v", rest, err)
	}
	for _, u := range []string{"/runs/nosuch", "/runs/nosuch/events", "/runs/nosuch/graph.svg", "/runs/..%2f..%2fetc/passwd", "/runs/%2e%2e"} {
		if r, _ := get(t, base+u); r.StatusCode/100 != 4 {
			t.Errorf("%s: status %d", u, r.StatusCode)
		}
	}
}

// A run that is resumed numbers its events from 1 again. A page that was opened before
// then misses none of its steps.
func TestChangesOfResumedRun(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	begun := engine.Event{Seq: 1, Time: at, Type: engine.EventRun, Run: "r", Pipeline: "p", Steps: 2, State: engine.Running}
	events := []engine.Event{begun,
		{Seq: 2, Time: at, Type: engine.EventStep, Step: "a", Uses: "x", State: engine.Running},
		{Seq: 3, Time: at, Type: engine.EventLog, Step: "a", Text: "long"},
		{Seq: 4, Time: at, Type: engine.EventLog, Step: "a", Text: "work"},
	}
	base := serve(t, &page.Runs{
		Find:   func(id string) (history.Run, error) { return history.Run{ID: id, State: engine.Running}, nil },
		Events: func(string) ([]engine.Event, error) { return events, nil },
	})
	after := 0
	changed := func() string {
		var c struct {
			Seq  int
			Rows []struct{ ID, State string }
		}
		_, text := get(t, base+"/runs/r/events?after="+jsonNumber(after))
		if err := json.Unmarshal([]byte(text), &c); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		after = c.Seq
		var out []string
		for _, r := range c.Rows {
			out = append(out, r.ID+" "+r.State)
		}
		return strings.Join(out, ", ")
	}
	for _, c := range []struct {
		more []engine.Event
		want string
	}{
		{nil, "a running"},
		{nil, ""},
		{[]engine.Event{begun, {Seq: 2, Time: at, Type: engine.EventStep, Step: "a", Uses: "x", State: engine.Done}}, "a done"},
		{[]engine.Event{{Seq: 3, Time: at, Type: engine.EventStep, Step: "b", Uses: "x", State: engine.Running}}, "b running"},
		{nil, ""},
	} {
		events = append(events, c.more...)
		if got := changed(); got != c.want {
			t.Errorf("after %d events: %q has changed, not %q", len(events), got, c.want)
		}
	}
}

func jsonNumber(n int) string {
	data, err := json.Marshal(n)
	if err != nil {
		panic(err)
	}
	return string(data)
}
