//go:build !cgo || !linux

package collect

import (
	"context"

	"github.com/NVIDIA/eidos/schema"
)

// GPU is absent in a build that cannot load the driver's library.
func GPU() Source {
	return Source{
		Collectors: []schema.Collector{"gpu"},
		Open: func(context.Context, schema.CollectParams, []schema.Collector) ([]Part, func(), error) {
			return nil, nil, Absent("this eidos was built without cgo, which NVML needs")
		},
	}
}
