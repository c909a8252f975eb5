package inspect

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/NVIDIA/eidos/schema/path"
)

// readValues reads values.yaml. The library compares each key of a mapping with
// each other one, which takes minutes for tens of thousands: mappings are read here,
// and what is in them by the library.
func readValues(data []byte) (map[string]any, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return nil, err
	}
	if doc.Kind == yaml.DocumentNode && plainMapping(doc.Content[0]) {
		return readMapping(doc.Content[0])
	}
	if root := doc.Content; len(root) == 1 && (root[0].Kind == yaml.SequenceNode || root[0].Kind == yaml.ScalarNode && root[0].ShortTag() != "!!null") {
		return nil, fmt.Errorf("line %d: it is not a mapping", root[0].Line)
	}
	var out map[string]any
	return out, doc.Decode(&out)
}

// infinite returns the path of a number that YAML has and JSON, as which Helm reads
// values, has not.
func infinite(v any) (p path.Path, found bool) {
	switch v := v.(type) {
	case float64:
		return nil, math.IsInf(v, 0) || math.IsNaN(v)
	case []any:
		for i, e := range v {
			if p, found := infinite(e); found {
				return append(path.Path{path.At(i)}, p...), true
			}
		}
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			if p, found := infinite(v[k]); found {
				return append(path.Path{path.Key(k)}, p...), true
			}
		}
	}
	return nil, false
}

// plainMapping reports whether a node is a mapping of texts without merges.
func plainMapping(n *yaml.Node) bool {
	if n.Kind != yaml.MappingNode || n.ShortTag() != "!!map" {
		return false
	}
	for i := 0; i < len(n.Content); i += 2 {
		if n.Content[i].Kind != yaml.ScalarNode || n.Content[i].ShortTag() != "!!str" {
			return false
		}
	}
	return true
}

func readMapping(n *yaml.Node) (map[string]any, error) {
	out := make(map[string]any, len(n.Content)/2)
	for i := 0; i < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if _, twice := out[key.Value]; twice {
			return nil, fmt.Errorf("line %d: mapping key %q already defined", key.Line, key.Value)
		}
		var v any
		var err error
		if plainMapping(value) {
			v, err = readMapping(value)
		} else {
			err = value.Decode(&v)
		}
		if err != nil {
			return nil, err
		}
		out[key.Value] = v
	}
	return out, nil
}
