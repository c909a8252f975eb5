package schema

import (
	"embed"
	"io/fs"
)

//go:embed *.cue
var cueFiles embed.FS

// CUE returns the CUE files of this package, for those who unify with them.
func CUE() fs.FS { return cueFiles }
