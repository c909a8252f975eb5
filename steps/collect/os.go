package collect

import (
	"context"
	"errors"
	"io/fs"

	"github.com/NVIDIA/eidos/schema"
)

// OS is the operating system's own files under root, "/" of the host.
func OS(root fs.FS) Source {
	return Source{
		Collectors: []schema.Collector{"os"},
		Open: func(context.Context, schema.CollectParams, []schema.Collector) ([]Part, func(), error) {
			part := func(name string, read func(fs.FS) (Reading, error)) Part {
				return Part{"os", name, "OS", func(context.Context) (Reading, error) {
					r, err := read(root)
					var at *fs.PathError
					if errors.As(err, &at) && errors.Is(err, fs.ErrNotExist) {
						err = Absent("no /%s", at.Path)
					}
					return r, err
				}}
			}
			return []Part{
				part("grub", readGrub),
				part("kmod", readKmod),
				part("release", readRelease),
				part("sysctl", readSysctl),
			}, nil, nil
		},
	}
}
