package engine

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"

	"github.com/NVIDIA/eidos/schema"
)

func TestExpected(t *testing.T) {
	const text = "exactly this"
	d, size := schema.DigestOf([]byte(text)), int64(len(text))
	reset := io.MultiReader(strings.NewReader(text[:5]), iotest.ErrReader(syscall.ECONNRESET))
	for _, tt := range []struct {
		name string
		want Expected
		r    io.Reader
		err  string
	}{
		{"exact", Expected{d, size, 0}, strings.NewReader(text), ""},
		{"byte by byte", Expected{d, size, size}, iotest.OneByteReader(strings.NewReader(text)), ""},
		{"end with the data", Expected{d, size, size}, iotest.DataErrReader(strings.NewReader(text)), ""},
		{"no size", Expected{d, -1, size}, strings.NewReader(text), ""},
		{"no size, no limit", Expected{d, -1, 0}, strings.NewReader(text), ""},
		{"empty", Expected{schema.DigestOf(nil), 0, 1}, strings.NewReader(""), ""},
		{"-1", Expected{d, size, 0}, strings.NewReader(text[1:]), "the content ended after 11 of 12 bytes: unexpected EOF"},
		{"+1", Expected{d, size, 0}, strings.NewReader(text + "x"), "the content is longer than its 12 bytes"},
		{"+1 byte by byte", Expected{d, size, 0}, iotest.OneByteReader(strings.NewReader(text + "x")), "the content is longer than its 12 bytes"},
		{"+1 GiB", Expected{d, size, 0}, io.MultiReader(strings.NewReader(text), io.LimitReader(zeros{}, 1<<30)), "the content is longer than its 12 bytes"},
		{"endless, no size", Expected{d, -1, 100}, zeros{}, "it has more than the 100 bytes that are taken at most"},
		{"promised too much", Expected{d, 1 << 40, 100}, iotest.ErrReader(errors.New("BUG: read")), "it has more than the 100 bytes that are taken at most"},
		{"other bytes", Expected{d, size, 0}, strings.NewReader("exactly that"), "the content has digest "},
		{"other bytes, no size", Expected{d, -1, 0}, strings.NewReader("x"), "the content has digest "},
		{"something for nothing", Expected{schema.DigestOf(nil), 0, 0}, strings.NewReader("x"), "the content is longer than its 0 bytes"},
		{"reset", Expected{d, size, 0}, reset, "connection reset by peer"},
		{"no digest", Expected{"", size, 0}, strings.NewReader(text), "is not a SHA-256 digest"},
		{"another algorithm", Expected{"sha512:" + schema.Digest(strings.Repeat("0", 128)), size, 0}, strings.NewReader(text), "is not a SHA-256 digest"},
	} {
		data, err := tt.want.Bytes(tt.r)
		if tt.err == "" && (err != nil || !bytes.Equal(data, []byte(text)) && tt.want.Size != 0) {
			t.Errorf("%s: %q, %v", tt.name, data, err)
		}
		if tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err) || data != nil) {
			t.Errorf("%s: %q, %v, want %q", tt.name, data, err, tt.err)
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
