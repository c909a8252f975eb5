package retry

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// silence is the error of a server that accepted a request, or began its
// answer, and then sent nothing. It is a net.Error.
type silence struct{ after time.Duration }

func (e silence) Error() string { return "it sent nothing for " + e.after.String() }
func (silence) Timeout() bool   { return true }
func (silence) Temporary() bool { return true }

// Passing reports whether the same request can succeed a moment after err.
// Certificates, credentials and names that do not exist do not get better by
// waiting; neither does the end of a context.
func Passing(err error) bool {
	var dns *net.DNSError
	var timeout net.Error
	switch {
	case err == nil:
		return false
	case errors.As(err, new(silence)):
		return true
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return false
	case Lost(err):
		return true
	case errors.As(err, &dns):
		return dns.IsTemporary || dns.IsTimeout
	}
	return errors.As(err, &timeout) && timeout.Timeout()
}

// Lost reports whether the connection broke off.
func Lost(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNABORTED) ||
		errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) ||
		err != nil && strings.Contains(err.Error(), "http2: ")
}

// PassingStatus reports whether the same request can succeed after an answer
// with that status.
func PassingStatus(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// After is the pause that an answer asks for with Retry-After, in seconds or as
// a time; 0 if it does not.
func After(h http.Header) time.Duration {
	v := h.Get("Retry-After")
	if s, err := strconv.Atoi(v); err == nil {
		return max(0, time.Duration(min(s, 1<<30))*time.Second)
	}
	if at, err := http.ParseTime(v); err == nil {
		return max(0, time.Until(at))
	}
	return 0
}
