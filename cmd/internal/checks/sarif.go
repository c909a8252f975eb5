package checks

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/url"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/NVIDIA/eidos/schema"
)

// SARIF 2.1.0: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html,
// and of it what GitHub asks for:
// https://docs.github.com/en/code-security/reference/code-scanning/sarif-files/sarif-support-for-code-scanning
type sarifLog struct {
	Schema  string     `json:"$schema"`
	Version string     `json:"version"`
	Runs    []sarifRun `json:"runs"`
}

type sarifRun struct {
	Tool       sarifTool     `json:"tool"`
	Details    sarifDetails  `json:"automationDetails"`
	ColumnKind string        `json:"columnKind"`
	Results    []sarifResult `json:"results"`
}

type sarifTool struct {
	Driver sarifDriver `json:"driver"`
}

// sarifDetails tells uploads of one commit apart: "category/".
type sarifDetails struct {
	ID string `json:"id"`
}

type sarifDriver struct {
	Name           string      `json:"name"`
	Version        string      `json:"version,omitempty"`
	InformationURI string      `json:"informationUri"`
	Rules          []sarifRule `json:"rules"`
}

type sarifRule struct {
	ID               string      `json:"id"`
	Name             string      `json:"name"`
	ShortDescription sarifText   `json:"shortDescription"`
	FullDescription  sarifText   `json:"fullDescription"`
	Help             sarifText   `json:"help"`
	Configuration    sarifConfig `json:"defaultConfiguration"`
}

type sarifConfig struct {
	Level string `json:"level"`
}

type sarifText struct {
	Text string `json:"text"`
}

type sarifResult struct {
	RuleID       string            `json:"ruleId"`
	RuleIndex    *int              `json:"ruleIndex,omitempty"` // nil of a rule that is not listed
	Level        string            `json:"level"`
	Message      sarifText         `json:"message"`
	Locations    []sarifLocation   `json:"locations"`
	Related      []sarifLocation   `json:"relatedLocations,omitempty"`
	Fingerprints map[string]string `json:"partialFingerprints"`
}

type sarifLocation struct {
	ID       int           `json:"id,omitempty"`
	Physical sarifPhysical `json:"physicalLocation"`
	Message  *sarifText    `json:"message,omitempty"`
}

type sarifPhysical struct {
	Artifact sarifArtifact `json:"artifactLocation"`
	Region   sarifRegion   `json:"region"`
}

type sarifArtifact struct {
	URI string `json:"uri"`
}

type sarifRegion struct {
	StartLine   int `json:"startLine"`
	StartColumn int `json:"startColumn"`
	EndLine     int `json:"endLine"`
	EndColumn   int `json:"endColumn"`
}

// What GitHub takes of one file; see the page above.
const (
	sarifResults = 5000 // that it shows
	sarifRules   = 25000
	sarifText255 = 255
)

// SARIF writes the problems of a report as SARIF JSON. What holds is left out: GitHub
// makes an alert of each result. Its rules are listed all the same, whatever came of
// them, so that the list does not depend on what failed. The first place of a problem is
// its location, the others are related ones.
func SARIF(w io.Writer, r Report) error {
	run := sarifRun{
		Tool:       sarifTool{sarifDriver{Name: "eidos", Version: numeric(r.Version), InformationURI: "https://github.com/NVIDIA/eidos", Rules: []sarifRule{}}},
		Details:    sarifDetails{strings.ReplaceAll(r.Name, " ", "-") + "/"},
		ColumnKind: "unicodeCodePoints",
		Results:    []sarifResult{},
	}
	index := map[string]int{} // of a rule
	for _, s := range r.Suites {
		for _, c := range s.Results {
			if _, there := index[c.Rule]; !there && c.Rule != "" && len(index) < sarifRules {
				index[c.Rule] = len(index)
				run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, rule(c))
			}
		}
	}
	seen := fingerprints{}
	for _, c := range r.Problems() {
		if len(run.Results) == sarifResults {
			break
		}
		if len(c.At) == 0 {
			continue // in no file: GitHub would refuse it
		}
		res := sarifResult{RuleID: c.Rule, Level: c.Level, Message: sarifText{withHint(c)}}
		if i, ok := index[c.Rule]; ok {
			res.RuleIndex = &i
		}
		res.Locations = []sarifLocation{location(c.At[0])}
		for i, p := range c.At[1:] {
			l := location(p)
			l.ID, l.Message = i+1, &sarifText{"compared with this"}
			res.Related = append(res.Related, l)
		}
		res.Fingerprints = map[string]string{"primaryLocationLineHash": seen.next(c)}
		run.Results = append(run.Results, res)
	}
	text, err := schema.EncodeIndent(sarifLog{Schema: "https://json.schemastore.org/sarif-2.1.0.json", Version: "2.1.0", Runs: []sarifRun{run}})
	if err != nil {
		return err
	}
	_, err = w.Write(text)
	return err
}

// withHint is the message of a problem followed by what to do about it, as sentences.
func withHint(c Result) string {
	if c.Hint == "" {
		return c.Message
	}
	return c.Message + ". " + upper(c.Hint) + "."
}

// fingerprints counts how often each hash was used, in one report.
type fingerprints map[string]int

// next identifies a problem that is in a file, so that the CI system recognises it in
// later reports, although its value or line has changed: neither is part of the hash.
// Problems with the same hash get numbers, in the order of the report. c.At must not be
// empty.
func (f fingerprints) next(c Result) string {
	sum := sha256.Sum256([]byte(c.Rule + "\x00" + c.At[0].File + "\x00" + identity(c)))
	hash := hex.EncodeToString(sum[:8])
	f[hash]++
	return fmt.Sprintf("%s:%d", hash, f[hash])
}

// identity tells problems of one rule in one file apart: a constraint is its
// rule, and its value is what changes; a change is its path.
func identity(c Result) string {
	if strings.HasPrefix(c.Rule, "constraint/") {
		return ""
	}
	return c.Name
}

// numeric is a version without its v; "" for one that does not begin with a digit, as of a
// build that is not a release.
func numeric(version string) string {
	v := strings.TrimPrefix(version, "v")
	if v == "" || v[0] < '0' || v[0] > '9' {
		return ""
	}
	return v
}

// rule describes the rule of c. It must be the same for all results of the rule, as only
// the first is asked; the level of a problem is that of its result.
func rule(c Result) sarifRule {
	text := sarifText{upper(cut(c.Demand, sarifText255)) + "."}
	return sarifRule{ID: c.Rule, Name: ruleName(c.Rule), ShortDescription: text, FullDescription: text, Help: text, Configuration: sarifConfig{LevelError}}
}

// ruleName is a rule's id as one word, the way that SARIF wants names.
func ruleName(id string) string {
	var b strings.Builder
	for _, w := range strings.FieldsFunc(id, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9')
	}) {
		b.WriteString(upper(w))
	}
	return cut(b.String(), sarifText255)
}

// upper makes the first letter a capital.
func upper(s string) string {
	_, n := utf8.DecodeRuneInString(s)
	return strings.ToUpper(s[:n]) + s[n:]
}

// cut shortens s to n characters, the last of which is then an ellipsis.
func cut(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}

// location is a place as SARIF has it. A file of the repository is a relative URI, which
// GitHub resolves; another one has the scheme file.
func location(p Place) sarifLocation {
	u := url.URL{Path: p.File}
	if path.IsAbs(p.File) {
		u.Scheme = "file"
	}
	return sarifLocation{Physical: sarifPhysical{sarifArtifact{u.String()}, sarifRegion{p.Line, p.Column, p.Line, p.End}}}
}
