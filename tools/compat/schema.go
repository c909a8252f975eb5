package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// schema is the part of a JSON Schema that decides which documents are valid.
type schema struct {
	Ref        string             `json:"$ref"`
	Defs       map[string]*schema `json:"$defs"`
	Type       any                `json:"type"`
	Properties map[string]*schema `json:"properties"`
	Required   []string           `json:"required"`
	Items      *schema            `json:"items"`
	Enum       []any              `json:"enum"`
	Closed     closed             `json:"additionalProperties"`
}

// UnmarshalJSON also reads true, which is what anything is valid by.
func (s *schema) UnmarshalJSON(data []byte) error {
	if string(data) == "true" {
		return nil
	}
	type plain schema
	return json.Unmarshal(data, (*plain)(s))
}

// closed is additionalProperties: it is closed if it is false, else what it holds.
type closed struct {
	no   bool
	each *schema
}

func (c *closed) UnmarshalJSON(data []byte) error {
	if string(data) == "true" || string(data) == "false" {
		c.no = string(data) == "false"
		return nil
	}
	return json.Unmarshal(data, &c.each)
}

// document is a schema with the definitions that it refers to.
type document struct{ root schema }

func (d *document) follow(s *schema) *schema {
	for s != nil && s.Ref != "" {
		name, ok := strings.CutPrefix(s.Ref, "#/$defs/")
		if !ok {
			return &schema{} // of another document: it is compared by itself
		}
		s = d.root.Defs[name]
	}
	return s
}

// compare lists what a document that was valid by before may have that after does
// not take, and what was always there and is not any more.
func compare(name string, before, after *document) []string {
	c := comparison{before: before, after: after, seen: map[[2]*schema]bool{}}
	c.walk(name, &before.root, &after.root)
	return c.broken
}

type comparison struct {
	before, after *document
	seen          map[[2]*schema]bool // each is compared where it is met first: it may hold itself
	broken        []string
}

func (c *comparison) walk(at string, before, after *schema) {
	before, after = c.before.follow(before), c.after.follow(after)
	if before == nil || after == nil || c.seen[[2]*schema{before, after}] {
		return
	}
	c.seen[[2]*schema{before, after}] = true
	say := func(format string, args ...any) {
		c.broken = append(c.broken, at+": "+fmt.Sprintf(format, args...))
	}
	if b, a := types(before), types(after); len(a) > 0 {
		for _, t := range b {
			if !slices.Contains(a, t) && !(t == "integer" && slices.Contains(a, "number")) {
				say("it may not be %s any more", t)
			}
		}
	}
	if len(after.Enum) > 0 {
		for _, w := range before.Enum {
			if !slices.Contains(after.Enum, w) {
				say("the word %q is gone", fmt.Sprint(w))
			}
		}
		if len(before.Enum) == 0 {
			say("it takes only some words now")
		}
	}
	for _, r := range after.Required {
		if !slices.Contains(before.Required, r) {
			say("%s is required now", r)
		}
	}
	for _, p := range sorted(before.Properties) {
		now, ok := after.Properties[p]
		if !ok {
			c.broken = append(c.broken, at+"."+p+": is gone")
			continue
		}
		c.walk(at+"."+p, before.Properties[p], now)
	}
	c.walk(at+"[]", before.Items, after.Items)
	c.walk(at+".*", before.Closed.each, after.Closed.each)
	if after.Closed.no && !before.Closed.no && len(before.Properties) > 0 {
		say("it takes no other fields any more")
	}
}

func types(s *schema) []string {
	switch t := s.Type.(type) {
	case string:
		return []string{t}
	case []any:
		var out []string
		for _, e := range t {
			out = append(out, fmt.Sprint(e))
		}
		return out
	}
	return nil
}
