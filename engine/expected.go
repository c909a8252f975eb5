package engine

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"

	"github.com/NVIDIA/eidos/schema"
)

// MaxContent is the most bytes that are taken from a cache: for one blob, and
// for all that one entry names.
const MaxContent = 8 << 30

// Expected is what is known of bytes before they are read. Whatever comes from
// a registry, a cache or a file that others can write is read through it, so
// that there is one place where content is checked against its digest.
type Expected struct {
	Digest schema.Digest
	Size   int64 // bytes; negative if nothing states it
	Limit  int64 // the most bytes that are taken; 0 is no limit
}

// Reader returns a reader of r that returns io.EOF only if r ended after exactly
// Size bytes with that digest. Nothing it returned earlier has been checked:
// read it to io.EOF, into something that nobody uses before. Copy and Bytes do.
// Content over Limit and malformed digests are Invalid.
func (e Expected) Reader(r io.Reader) io.Reader {
	x := &expectedReader{r: r, want: e, hash: sha256.New(), most: e.Size}
	if _, err := e.Digest.Hex(); err != nil {
		x.err = err
	}
	switch {
	case e.Limit > 0 && e.Size > e.Limit:
		x.err = e.tooLarge()
	case e.Size < 0 && e.Limit > 0:
		x.most = e.Limit
	}
	return x
}

// Copy copies r to w. What w has received may be used only if there is no error.
func (e Expected) Copy(w io.Writer, r io.Reader) error {
	_, err := io.Copy(w, e.Reader(r))
	return err
}

// Bytes returns the content of r.
func (e Expected) Bytes(r io.Reader) ([]byte, error) {
	var b bytes.Buffer // grows with what arrives, not with what was promised
	if err := e.Copy(&b, r); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func (e Expected) tooLarge() error {
	return schema.Errorf(schema.Invalid, "it has more than the %d bytes that are taken at most", e.Limit)
}

type expectedReader struct {
	r    io.Reader
	want Expected
	hash hash.Hash
	n    int64 // bytes so far
	most int64 // bytes before r must end; negative: any number
	err  error // the end, good or bad
}

func (x *expectedReader) Read(p []byte) (int, error) {
	if x.err != nil || len(p) == 0 {
		return 0, x.err
	}
	left := int64(len(p))
	if x.most >= 0 {
		left = x.most - x.n
		if int64(len(p)) > left+1 {
			p = p[:left+1] // one more shows that r does not end
		}
	}
	n, err := x.r.Read(p)
	switch {
	case int64(n) > left:
		n = int(left)
		x.err = x.want.tooLarge()
		if x.want.Size >= 0 {
			x.err = fmt.Errorf("the content is longer than its %d bytes", x.want.Size)
		}
	case err != nil && err != io.EOF:
		x.err = err
	}
	x.hash.Write(p[:n])
	x.n += int64(n)
	if x.err == nil && err == io.EOF {
		x.err = x.end()
	}
	return n, x.err
}

// end is io.EOF if everything is as expected.
func (x *expectedReader) end() error {
	if x.want.Size >= 0 && x.n < x.want.Size {
		return fmt.Errorf("the content ended after %d of %d bytes: %w", x.n, x.want.Size, io.ErrUnexpectedEOF)
	}
	if got := schema.DigestOfSum(x.hash.Sum(nil)); got != x.want.Digest {
		return fmt.Errorf("the content has digest %s, not %s", got, x.want.Digest)
	}
	return io.EOF
}
