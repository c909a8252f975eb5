package address_test

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/address"
	"github.com/NVIDIA/eidos/steps/internal/blobtest"
)

// A server that is busy, resets connections, or breaks off or stands still in
// the middle of a document is asked again, five times and a minute in all.
func TestFetchTriesAgain(t *testing.T) {
	text, err := schema.EncodeYAML(document())
	if err != nil {
		t.Fatal(err)
	}
	answer := func(status int, body io.Reader) (*http.Response, error) {
		return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(body)}, nil
	}
	well := func(*http.Request) (*http.Response, error) { return answer(200, strings.NewReader(string(text))) }
	half := func(r *http.Request, end io.Reader) (*http.Response, error) {
		return answer(200, io.MultiReader(strings.NewReader(string(text[:20])), end))
	}
	busy := func(*http.Request) (*http.Response, error) { return answer(503, strings.NewReader("")) }
	reset := func(*http.Request) (*http.Response, error) { return nil, syscall.ECONNRESET }
	breaksOff := func(r *http.Request) (*http.Response, error) { return half(r, failing{io.ErrUnexpectedEOF}) }
	stands := func(r *http.Request) (*http.Response, error) { return half(r, waiting{r.Context().Done()}) }
	for _, tt := range []struct {
		name     string
		bad      func(*http.Request) (*http.Response, error)
		times    int
		code     schema.Code
		want     string
		requests int
		told     string
	}{
		{"busy", busy, 2, "", "", 3, "server answers 503, try 3 of 5"},
		{"always busy", busy, 100, schema.Unavailable, "503", 5, "server answers 503, try 5 of 5 in "},
		{"reset", reset, 2, "", "", 3, "server closed the connection, try 3 of 5"},
		{"breaks off", breaksOff, 4, "", "", 5, "server broke off after 20 bytes, try 2 of 5"},
		{"always breaks off", breaksOff, 100, schema.Unavailable, "unexpected EOF", 5, "server broke off after 20 bytes, try 5 of 5"},
		{"stands still", stands, 1, "", "", 2, "server sent nothing for 30s, try 2 of 5"},
		{"always stands still", stands, 100, schema.Timeout, "it took more than 1m0s", 2, "server sent nothing for 30s, try 2 of 5"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				requests := 0
				load, _ := address.New(address.Config{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
					if requests++; requests <= tt.times {
						return tt.bad(r)
					}
					return well(r)
				})})
				env := blobtest.Env(dir)
				var told []string
				env.Log = func(format string, args ...any) { told = append(told, fmt.Sprintf(format, args...)) }
				start := time.Now()
				_, err := load(t.Context(), env, "http://x/y.yaml", document().MediaType())
				if tt.code != "" {
					check(t, "loading", err, tt.code, tt.want, "")
				} else if err != nil {
					t.Error(err)
				}
				if took := time.Since(start); requests != tt.requests || took > time.Minute {
					t.Errorf("%d requests in %s, want %d", requests, took, tt.requests)
				}
				if !slices.ContainsFunc(told, func(s string) bool { return strings.HasPrefix(s, tt.told) }) {
					t.Errorf("no %q in %q", tt.told, told)
				}
			})
		})
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

type waiting struct{ done <-chan struct{} }

func (w waiting) Read([]byte) (int, error) {
	<-w.done
	return 0, io.ErrClosedPipe
}
