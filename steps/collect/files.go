package collect

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
)

// readFile reads name; more than limit bytes is an error.
func readFile(fsys fs.FS, name string, limit int64) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var buf bytes.Buffer
	n, err := io.Copy(&buf, io.LimitReader(f, limit+1))
	if err != nil {
		return nil, fmt.Errorf("reading /%s: %w", name, err)
	}
	if n > limit {
		return nil, fmt.Errorf("reading /%s: longer than %d bytes", name, limit)
	}
	return buf.Bytes(), nil
}
