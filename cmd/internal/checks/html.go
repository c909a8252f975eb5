package checks

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"
)

//go:embed style.css
var style string

//go:embed tables.html
var tablesText string

//go:embed page.html
var pageText string

// Style is the style sheet of the pages that eidos writes to files: those of this package
// and of cmd/internal/report. The pages that a server sends have one of their own, in
// cmd/internal/page.
func Style() template.CSS { return template.CSS(style) }

// Page is results with what is known about them, for people.
type Page struct {
	Title  string
	Facts  []Fact // above the results
	Suites []Suite
	Texts  []Fact // below them, each folded
}

// Fact is a name and a value.
type Fact struct{ Name, Value string }

// HTML writes a report as one page.
func HTML(w io.Writer, r Report) error {
	return Page{Title: r.Name, Facts: []Fact{{"eidos", r.Version}}, Suites: r.Suites}.Write(w)
}

// Write writes a page that needs nothing else: no network, no script.
func (p Page) Write(w io.Writer) error {
	return execute(w, pageText, struct {
		Page
		Style  template.CSS
		Tables template.HTML
	}{p, Style(), Tables(p.Suites)})
}

// tableRow is a result as a table shows it.
type tableRow struct{ Class, Status, Name, About, Expected, Actual, Why, Hint string }

// classes are the classes of the style sheet, which are named after states of steps. What
// could not be decided looks like what was canceled.
var classes = map[Outcome]string{Passed: "done", Failed: "failed", Unknown: "canceled", Skipped: "skipped"}

// Tables are suites as a part of a page: a table each, what did not pass first. The text
// of results is escaped, so that a page may include it as it is.
func Tables(suites []Suite) template.HTML {
	type table struct {
		Name, Counts string
		Rows         []tableRow
	}
	var tables []table
	for _, s := range suites {
		t := table{Name: s.Name}
		_, by := s.count()
		var counts []string
		for _, o := range outcomes {
			if by[o] > 0 {
				counts = append(counts, fmt.Sprintf("%d %s", by[o], o))
			}
			for _, c := range s.Results {
				if c.Outcome == o {
					t.Rows = append(t.Rows, rowOf(c))
				}
			}
		}
		t.Counts = strings.Join(counts, ", ")
		tables = append(tables, t)
	}
	var b strings.Builder
	if err := execute(&b, tablesText, tables); err != nil {
		panic("BUG: " + err.Error()) // a Builder takes everything
	}
	return template.HTML(b.String())
}

// rowOf is a result as a row. OfValidation and OfDrift put what a table shows into
// Result.Extra; the results of steps have other keys there, and those cells are empty.
func rowOf(c Result) tableRow {
	r := tableRow{
		Class: classes[c.Outcome], Status: c.Status, Name: c.Name, About: c.Extra["component"], Expected: c.Extra["expected"], Actual: c.Extra["actual"],
		Why: c.Message, Hint: c.Hint,
	}
	if s := c.Extra["severity"]; s != "" && s != LevelError && c.Level != "" {
		r.Status = s + ": " + r.Status
	}
	if strings.HasPrefix(c.Rule, "check/") {
		r.About = strings.TrimPrefix(r.About+": "+c.Demand, ": ")
	}
	if c.Extra["from"] != "" && r.Expected == "" && r.Actual == "" && c.Extra["to"] != "" { // drift
		r.Expected, r.Actual = c.Extra["from"], c.Extra["to"]
	}
	return r
}

// execute writes data by one of the embedded templates.
func execute(w io.Writer, text string, data any) error {
	t, err := template.New("page").Parse(text)
	if err != nil {
		panic("BUG: a page does not parse: " + err.Error())
	}
	if err := t.Execute(w, data); err != nil {
		return fmt.Errorf("writing a page: %w", err)
	}
	return nil
}
