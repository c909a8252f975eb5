package kube

import (
	"bufio"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// Lines end in each of the ways in which programs end them, wherever a read is cut.
func TestLogLine(t *testing.T) {
	text := "a\r\nb\n\n10%\r20%\r\r\nc\r"
	want := []string{"a", "b", "", "10%", "20%", "", "c"}
	for name, r := range map[string]*bufio.Scanner{
		"at once":     bufio.NewScanner(strings.NewReader(text)),
		"by bytes":    bufio.NewScanner(iotest.OneByteReader(strings.NewReader(text))),
		"without end": bufio.NewScanner(strings.NewReader(strings.TrimSuffix(text, "\r"))),
	} {
		r.Split(logLine)
		var got []string
		for r.Scan() {
			got = append(got, r.Text())
		}
		if !slices.Equal(got, want) || r.Err() != nil {
			t.Errorf("%s: %q, %v", name, got, r.Err())
		}
	}
}
