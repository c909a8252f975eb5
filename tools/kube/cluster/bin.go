package cluster

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Version is the Kubernetes release that tools/kube/build builds.
const Version = "v1.37.2"

// Bin returns the folder of the servers that tools/kube/build built:
// $EIDOS_CACHE/kube/VERSION/bin, or the same below .cache of the repository
// that holds the working directory. It need not be there yet.
func Bin() (string, error) {
	cache := os.Getenv("EIDOS_CACHE")
	if cache == "" {
		root, err := repository()
		if err != nil {
			return "", err
		}
		cache = filepath.Join(root, ".cache")
	}
	return filepath.Abs(filepath.Join(cache, "kube", Version, "bin"))
}

func repository() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && bytes.HasPrefix(mod, []byte("module github.com/NVIDIA/eidos\n")) {
			return dir, nil
		}
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return "", err
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("not inside the eidos repository")
		}
		dir = filepath.Dir(dir)
	}
}
