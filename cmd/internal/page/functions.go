package page

import (
	"html/template"
	"strings"
	"time"

	"github.com/NVIDIA/eidos/cmd/internal/text"
	"github.com/NVIDIA/eidos/schema"
)

// functions are what templates can call. One that returns template.HTML escapes its
// argument itself.
func (p *page) functions() template.FuncMap {
	return template.FuncMap{
		"static": func(name string) string { return p.static.base + name },
		"took":   func(millis int64) string { return text.Duration(time.Duration(millis) * time.Millisecond) },
		"id":     func(path string) string { return "v-" + path },
		// A path is broken after its dots, not within a word.
		"breaks": func(path string) template.HTML {
			return template.HTML(strings.ReplaceAll(template.HTMLEscapeString(path), ".", ".<wbr>"))
		},
		"same": strings.EqualFold,
		"any":  func(c schema.Criteria) bool { return len(of(c)) == 0 },
	}
}
