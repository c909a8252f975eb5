package content

import (
	"context"
	"io"
)

// Reader stops reading when ctx is done. It looks between reads: a read that blocks is
// not interrupted.
type Reader struct {
	Context context.Context
	Reader  io.Reader
}

func (c Reader) Read(p []byte) (int, error) {
	if err := c.Context.Err(); err != nil {
		return 0, context.Cause(c.Context)
	}
	return c.Reader.Read(p)
}
