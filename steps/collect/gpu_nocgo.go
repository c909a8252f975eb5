//go:build !cgo || !linux

package collect

import (
	"context"
	"os"

	"github.com/NVIDIA/eidos/schema"
)

// GPU is what the PCI bus has: this build cannot load the driver's library.
func GPU() Source {
	return Source{
		Collectors: []schema.Collector{"gpu"},
		Open: func(context.Context, schema.CollectParams, []schema.Collector) ([]Part, func(), error) {
			return undriven(os.DirFS("/"), Absent("this eidos was built without cgo, which NVML needs")), nil, nil
		},
	}
}
