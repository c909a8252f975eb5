package replace_test

import (
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/internal/replace"
)

// A pipe gets what a file would; one that nobody reads is an error and not a
// wait without end.
func TestPipe(t *testing.T) {
	write := func(path string) error {
		return replace.File(path, 0o666, func(w io.Writer) error {
			_, err := w.Write(make([]byte, 1<<20))
			return err
		})
	}
	for name, read := range map[string]bool{"read": true, "not read": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "pipe")
			if err := syscall.Mkfifo(path, 0o600); err != nil {
				t.Fatal(err)
			}
			got := make(chan int, 1)
			if read {
				go func() {
					data, err := os.ReadFile(path)
					if err != nil {
						t.Error(err)
					}
					got <- len(data)
				}()
			}
			err := write(path)
			if !read {
				if schema.CodeOf(err) != schema.Failed {
					t.Errorf("error %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if n := <-got; n != 1<<20 {
				t.Errorf("%d bytes were read", n)
			}
		})
	}
}
