package images

import (
	"fmt"
	"strings"

	"github.com/NVIDIA/eidos/recipes/charts"
	"github.com/NVIDIA/eidos/schema"
)

// chartValues are the values of a chart: the recipe's over the chart's own.
type chartValues struct {
	facts *charts.Chart
	set   map[string]any
}

// own is the value that the recipe sets; ok is false if it sets none.
func (v chartValues) own(path string) (any, bool) {
	keys, err := charts.SplitPath(path)
	if err != nil {
		return nil, false
	}
	var at any = v.set
	for _, k := range keys {
		m, isMap := at.(map[string]any)
		if !isMap {
			return nil, false
		}
		if at, isMap = m[k]; !isMap {
			return nil, false
		}
	}
	return at, true
}

// text is the value at a path as text, "" if there is none.
func (v chartValues) text(path string) string {
	at, ok := v.own(path)
	if !ok {
		at = v.facts.Values[path].Default
	}
	switch at := at.(type) {
	case nil, map[string]any, []any:
		return ""
	case string:
		return at
	default:
		return fmt.Sprint(at)
	}
}

// off reports whether a path is below something that is switched off: a subchart
// whose condition is false, or a key beside one called enabled that is false.
func (v chartValues) off(path string) bool {
	for _, d := range v.facts.Dependencies {
		if !strings.HasPrefix(path, dependencyKey(d)+".") {
			continue
		}
		on := !d.Off
		if set, ok := v.own(d.Condition); ok && d.Condition != "" {
			on = set == true
		}
		if !on {
			return true
		}
	}
	keys := strings.Split(path, ".")
	for i := 1; i <= len(keys); i++ {
		p := strings.Join(keys[:i], ".") + ".enabled"
		if _, has := v.facts.Values[p]; has && v.text(p) == "false" {
			return true
		}
	}
	return false
}

func dependencyKey(d schema.ChartDependency) string {
	if d.Alias != "" {
		return d.Alias
	}
	return d.Name
}
