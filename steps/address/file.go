package address

import (
	"io"

	"github.com/NVIDIA/eidos/steps/internal/replace"
)

// WriteFile writes what is not a document, a report as a table, the way
// documents are saved: whole or not at all.
func WriteFile(path string, data []byte) error {
	return replace.File(path, 0o666, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}
