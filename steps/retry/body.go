package retry

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"net/http"
	"strings"
	"time"
)

// body is the body of an answer. One that breaks off, or stands still for
// Policy.Stall, is continued by another request if it is of the same content:
// from where it broke off if the answer had a strong entity tag, else from the
// beginning, when what was delivered before must be the same bytes.
type body struct {
	transport *Transport
	req       *http.Request
	budget    *Budget
	first     *http.Response // whose content it is

	rc     io.ReadCloser // of the last answer
	ctx    context.Context
	cancel context.CancelCauseFunc

	read int64        // bytes delivered
	sum  maphash.Hash // of them, if there is no strong entity tag
}

func (r *body) Read(p []byte) (int, error) {
	for {
		n, err := r.some(p)
		if n > 0 {
			r.read += int64(n)
			if r.tag() == "" {
				_, _ = r.sum.Write(p[:n]) // never fails
			}
			return n, eof(err)
		}
		if err == nil || err == io.EOF {
			return 0, err
		}
		if e := r.resume(err); e != nil {
			return 0, e
		}
	}
}

// eof leaves other errors to the next read.
func eof(err error) error {
	if err == io.EOF {
		return err
	}
	return nil
}

// some reads the next bytes of the last answer.
func (r *body) some(p []byte) (int, error) {
	stall := r.transport.Policy.Stall
	cancel := r.cancel
	timer := time.AfterFunc(stall, func() { cancel(silence{stall}) })
	defer timer.Stop()
	n, err := r.rc.Read(p)
	if err != nil && err != io.EOF {
		err = cause(r.ctx, err)
	}
	return n, err
}

func (r *body) Close() error {
	err := r.rc.Close()
	r.cancel(nil)
	return err
}

// tag is the strong entity tag of the content, "" if it has none or what is
// read is not what was sent.
func (r *body) tag() string {
	t := r.first.Header.Get("Etag")
	if r.first.Uncompressed || strings.HasPrefix(t, "W/") {
		return ""
	}
	return t
}

// resume continues the body after err; the error is why it cannot.
func (r *body) resume(err error) error {
	if r.req.Method != http.MethodGet || r.first.StatusCode != http.StatusOK || r.req.Header.Get("Range") != "" || !Passing(err) {
		return err
	}
	for {
		why := fmt.Sprintf("%s broke off after %d bytes", r.transport.Server, r.read)
		if errors.As(err, new(silence)) {
			why = fmt.Sprintf("%s sent nothing for %s", r.transport.Server, r.transport.Policy.Stall)
		}
		if !r.budget.Next(r.req.Context(), why, 0) {
			if e := context.Cause(r.req.Context()); e != nil {
				return e
			}
			return err
		}
		again := r.req.Clone(r.req.Context())
		if tag := r.tag(); tag != "" && r.read > 0 {
			again.Header.Set("Range", fmt.Sprintf("bytes=%d-", r.read))
			again.Header.Set("If-Range", tag)
		}
		resp, e := r.transport.send(again, r.budget)
		if e != nil {
			return e
		}
		e = r.replace(resp)
		if e == nil {
			return nil
		}
		resp.Body.Close()
		if !Passing(e) {
			return fmt.Errorf("%w; %w", err, e)
		}
		err = e
	}
}

// replace takes the rest of the body from resp.
func (r *body) replace(resp *http.Response) error {
	next, ok := resp.Body.(*body)
	if !ok {
		return errors.New("BUG: an answer without its body")
	}
	switch {
	case resp.StatusCode == http.StatusPartialContent:
		if !strings.HasPrefix(resp.Header.Get("Content-Range"), fmt.Sprintf("bytes %d-", r.read)) {
			return fmt.Errorf("the rest begins at another byte: %q", resp.Header.Get("Content-Range"))
		}
	case resp.StatusCode != http.StatusOK:
		return fmt.Errorf("the rest was refused with %d", resp.StatusCode)
	case r.tag() != resp.Header.Get("Etag") && r.tag() != "":
		return errors.New("it has changed meanwhile")
	default:
		if err := r.skip(next); err != nil {
			return err
		}
	}
	_ = r.rc.Close() // it broke off
	r.cancel(nil)
	r.rc, r.ctx, r.cancel = next.rc, next.ctx, next.cancel
	return nil
}

// skip reads what was delivered before.
func (r *body) skip(next *body) error {
	var sum maphash.Hash
	sum.SetSeed(r.sum.Seed())
	buf := make([]byte, 32<<10)
	for left := r.read; left > 0; {
		n, err := next.some(buf[:min(left, int64(len(buf)))])
		_, _ = sum.Write(buf[:n])
		left -= int64(n)
		if err == io.EOF && left > 0 {
			return errors.New("it has changed meanwhile")
		}
		if err != nil && left > 0 {
			return err
		}
	}
	if r.tag() == "" && sum.Sum64() != r.sum.Sum64() {
		return errors.New("it has changed meanwhile")
	}
	return nil
}
