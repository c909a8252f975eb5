package blobtest

import (
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
)

// Lie is a way to answer a request for content with something else.
type Lie struct {
	Name   string
	OK     bool // a client cannot tell, because HTTP hides it, or need not
	answer func(w http.ResponseWriter, good []byte, sent *atomic.Int64)
}

const gib = 1 << 30

// Lies returns what a registry may do instead of sending the content of a
// digest.
func Lies() []Lie {
	lies := []Lie{
		{"as it is", true, func(w http.ResponseWriter, good []byte, sent *atomic.Int64) { send(w, good, 0, true, sent) }},
		{"without a length", true, func(w http.ResponseWriter, good []byte, sent *atomic.Int64) { send(w, good, 0, false, sent) }},
		{"nothing", false, func(w http.ResponseWriter, _ []byte, sent *atomic.Int64) { send(w, nil, 0, true, sent) }},
		{"-1", false, func(w http.ResponseWriter, good []byte, sent *atomic.Int64) {
			send(w, good[:len(good)-1], 0, true, sent)
		}},
		{"-1 without a length", false, func(w http.ResponseWriter, good []byte, sent *atomic.Int64) {
			send(w, good[:len(good)-1], 0, false, sent)
		}},
		{"other bytes", false, func(w http.ResponseWriter, good []byte, sent *atomic.Int64) { send(w, other(good), 0, true, sent) }},
		{"other bytes as an old manifest", false, func(w http.ResponseWriter, good []byte, sent *atomic.Int64) {
			w.Header().Set("Content-Type", "application/vnd.docker.distribution.manifest.v1+prettyjws")
			w.Header().Set("Docker-Content-Digest", string(Digest(good)))
			send(w, other(good), 0, true, sent)
		}},
		{"other bytes, and more", false, func(w http.ResponseWriter, good []byte, sent *atomic.Int64) { send(w, other(good), 2, true, sent) }},
		{"short", false, func(w http.ResponseWriter, good []byte, _ *atomic.Int64) {
			w.Header().Set("Content-Length", strconv.Itoa(len(good)))
			w.Write(good[:len(good)/2])
			w.(http.Flusher).Flush() // else the connection breaks before an answer
			panic(http.ErrAbortHandler)
		}},
		{"reset", false, func(w http.ResponseWriter, good []byte, _ *atomic.Int64) {
			hijack(w, good, func(c net.Conn) {
				c.Write(good[:len(good)/2])
				c.(*net.TCPConn).SetLinger(0)
			})
		}},
		{"garbage after the end", true, func(w http.ResponseWriter, good []byte, _ *atomic.Int64) {
			hijack(w, good, func(c net.Conn) { c.Write(append(good[:len(good):len(good)], "garbage"...)) })
		}},
	}
	for _, more := range []int64{1, 2, 8, gib} {
		for suffix, length := range map[string]bool{"": true, " without a length": false} {
			lies = append(lies, Lie{"+" + strconv.FormatInt(more, 10) + suffix, false, func(w http.ResponseWriter, good []byte, sent *atomic.Int64) {
				send(w, good, more, length, sent)
			}})
		}
	}
	return lies
}

// other is other content of the same length, still JSON if data is.
func other(data []byte) []byte {
	out := append([]byte(nil), data...)
	for i := len(out) - 1; i >= 0; i-- {
		if c := out[i]; c >= 'a' && c < 'z' {
			out[i]++
			return out
		}
	}
	out[0] ^= 1
	return out
}

// send answers with data and more bytes after it.
func send(w http.ResponseWriter, data []byte, more int64, length bool, sent *atomic.Int64) {
	if length {
		w.Header().Set("Content-Length", strconv.FormatInt(int64(len(data))+more, 10))
	}
	w.WriteHeader(http.StatusOK)
	if !length {
		w.(http.Flusher).Flush()
	}
	w.Write(data)
	piece := make([]byte, 64<<10)
	for more > 0 {
		n, err := w.Write(piece[:min(more, int64(len(piece)))])
		sent.Add(int64(n))
		if err != nil {
			return
		}
		more -= int64(n)
	}
}

// hijack answers over the bare connection, with a head that promises data. It
// names the connection as the last one, else what comes after the end may reach
// a client as the answer to its next request, or not: the two race.
func hijack(w http.ResponseWriter, data []byte, answer func(net.Conn)) {
	head := "HTTP/1.1 200 OK\r\nContent-Length: " + strconv.Itoa(len(data)) + "\r\nConnection: close\r\n"
	for _, k := range []string{"Content-Type", "Docker-Content-Digest"} {
		head += k + ": " + w.Header().Get(k) + "\r\n"
	}
	c, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err)
	}
	defer c.Close()
	c.Write([]byte(head + "\r\n"))
	answer(c)
}

// Liar is a registry that lies about some content. It is used by one test at a
// time.
type Liar struct {
	next http.Handler
	path string
	lie  *Lie
	sent atomic.Int64 // bytes of what was promised too much
	told atomic.Int64 // lies
}

// NewLiar serves next, and returns its host.
func NewLiar(t *testing.T, next http.Handler) (*Liar, string) {
	l := &Liar{next: next}
	srv := httptest.NewServer(l)
	t.Cleanup(srv.Close)
	return l, strings.TrimPrefix(srv.URL, "http://")
}

func (l *Liar) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if l.lie == nil || r.Method != http.MethodGet || !strings.HasSuffix(r.URL.Path, l.path) {
		l.next.ServeHTTP(w, r)
		return
	}
	l.told.Add(1)
	good := httptest.NewRecorder()
	l.next.ServeHTTP(good, r)
	for k, v := range good.Header() {
		if k != "Content-Length" && k != "Accept-Ranges" {
			w.Header()[k] = v
		}
	}
	l.lie.answer(w, good.Body.Bytes(), &l.sent)
}

// Each calls read once for each lie about the content at path. read fails unless
// the lie is one that does no harm, and what it read is used by nobody if so.
func (l *Liar) Each(t *testing.T, path string, read func(t *testing.T) error) {
	for _, lie := range Lies() {
		t.Run(lie.Name, func(t *testing.T) {
			l.path, l.lie = path, &lie
			l.sent.Store(0)
			l.told.Store(0)
			defer func() { l.lie = nil }()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			err := read(t)
			runtime.ReadMemStats(&after)
			if l.told.Load() == 0 {
				t.Fatal("nothing asked for the content")
			}
			if lie.OK && err != nil {
				t.Errorf("error %v", err)
			}
			if !lie.OK && err == nil {
				t.Error("it was taken for the content")
			}
			if n := l.sent.Load(); n > 64<<20 {
				t.Errorf("%d MiB too much were read", n>>20)
			}
			if n := after.TotalAlloc - before.TotalAlloc; n > 64<<20 {
				t.Errorf("%d MiB were allocated", n>>20)
			}
		})
	}
}
