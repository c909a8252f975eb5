package charts

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"

	"github.com/NVIDIA/eidos/schema"
)

// Brief is what every bundle needs to know of a chart. Reading all of its facts
// takes ten times as long.
type Brief struct {
	CRDs []schema.ChartCRD
	// A Pod has hostPath, hostNetwork, hostPID or a privileged container.
	Privileged bool
	// Objects that are for all Pods of their namespace.
	NamespaceWide []schema.ChartObject
}

// Brief returns what is known of a chart, as Find does. It relies on the one way
// in which Encode writes fact files.
func (l Library) Brief(chart, version string) (Brief, error) {
	folder, name, err := l.file(chart, version)
	if err != nil {
		return Brief{}, err
	}
	return once(l.kept, func(k *kept) map[string]Brief { return k.briefs }, name, func() (Brief, error) {
		data, err := fs.ReadFile(folder, name)
		if err != nil {
			return Brief{}, fmt.Errorf("reading chart facts %q: %w", name, err)
		}
		return brief(name, data)
	})
}

func brief(name string, data []byte) (Brief, error) {
	b := Brief{Privileged: bytes.Contains(data, []byte("\n \"privileged\": true"))}
	for field, into := range map[string]any{"crds": &b.CRDs, "namespaceWide": &b.NamespaceWide} {
		if _, list, ok := bytes.Cut(data, []byte("\n \""+field+"\": ")); ok {
			if err := json.NewDecoder(bytes.NewReader(list)).Decode(into); err != nil {
				return Brief{}, schema.Errorf(schema.Invalid, "reading chart facts %q: %w", name, err)
			}
		}
	}
	return b, nil
}
