package engine

import (
	"testing"
)

func FuzzEvents(f *testing.F) {
	f.Add([]byte(`{"seq":1,"type":"run"}` + "\n{\"seq"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, e := range ParseEvents(data) {
			if e.Type == "" {
				t.Fatal("not an event")
			}
		}
	})
}
