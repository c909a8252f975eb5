package keyless

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/spiffe/go-spiffe/v2/proto/spiffe/workload"
	"google.golang.org/grpc"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/internal/oidctest"
	"github.com/NVIDIA/eidos/steps/sign/certified"
)

// TestMain is also the browser: xdg-open and open are links to this program.
func TestMain(m *testing.M) {
	if name := filepath.Base(os.Args[0]); name == "xdg-open" || name == "open" {
		resp, err := http.Get(os.Args[1])
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		resp.Body.Close()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// The issuer makes a token: the browser of this host gets it by a code and PKCE,
// the device flow without one, and the signing configuration names the issuer.
func TestTokenOfIssuer(t *testing.T) {
	bin := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"xdg-open", "open"} {
		if err := os.Symlink(self, filepath.Join(bin, name)); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", bin)
	for _, tt := range []struct {
		name    string
		display string
		r       certified.Sign
		config  bool // the signing configuration has the issuer
		polls   bool // it asks until the person has opened the page
		code    schema.Code
	}{
		{"browser", ":0", certified.Sign{}, false, false, ""},
		{"the issuer of the signing configuration", ":0", certified.Sign{}, true, false, ""},
		{"no browser", ":0", certified.Sign{Device: true}, false, true, ""},
		{"no display", "", certified.Sign{}, false, true, ""},
		{"no issuer", ":0", certified.Sign{}, false, false, schema.Unauthorized},
		{"an issuer that is not there", ":0", certified.Sign{Issuer: "http://127.0.0.1:1"}, false, false, schema.Unauthorized},
		{"a token", ":0", certified.Sign{Token: "given"}, false, false, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("DISPLAY", tt.display)
			t.Setenv("WAYLAND_DISPLAY", "")
			server := httptest.NewUnstartedServer(nil)
			i, err := oidctest.New("http://"+server.Listener.Addr().String(), "release@example.com")
			if err != nil {
				t.Fatal(err)
			}
			server.Config.Handler = i
			server.Start()
			defer server.Close()
			config := `{"mediaType":"application/vnd.dev.sigstore.signingconfig.v0.2+json"}`
			if tt.config {
				config = fmt.Sprintf(`{"mediaType":"application/vnd.dev.sigstore.signingconfig.v0.2+json","oidcUrls":[{"url":%q,"majorApiVersion":1,"validFor":{"start":"2026-01-01T00:00:00Z"},"operator":"o"}]}`, i.URL)
			} else if tt.r.Issuer == "" && tt.name != "no issuer" {
				tt.r.Issuer = i.URL
			}
			parsed, err := root.NewSigningConfigFromJSON([]byte(config))
			if err != nil {
				t.Fatal(err)
			}
			tt.r.ClientID = "sigstore"
			got, err := token(t.Context(), &tt.r, parsed)
			if schema.CodeOf(err) != tt.code {
				t.Fatalf("%q, %v", got, err)
			}
			if tt.code == "" && tt.r.Token == "" && strings.Count(got, ".") != 2 || tt.r.Token != "" && got != tt.r.Token {
				t.Errorf("token %q", got)
			}
			if (i.Polls() > 0) != tt.polls {
				t.Errorf("the device flow has asked %d times", i.Polls())
			}
		})
	}
}

// workloads is a SPIFFE Workload API.
type workloads struct {
	workload.UnimplementedSpiffeWorkloadAPIServer
	token string
}

func (w workloads) FetchJWTSVID(_ context.Context, r *workload.JWTSVIDRequest) (*workload.JWTSVIDResponse, error) {
	if len(r.Audience) != 1 || r.Audience[0] != "sigstore" {
		return nil, fmt.Errorf("the audience is %q", r.Audience)
	}
	return &workload.JWTSVIDResponse{Svids: []*workload.JWTSVID{{SpiffeId: "spiffe://example.org/ci", Svid: w.token}}}, nil
}

// A workload gets the token of its SPIFFE identity, for Fulcio and nobody else.
func TestTokenOfWorkload(t *testing.T) {
	i, err := oidctest.New("https://spire.example.org", "")
	if err != nil {
		t.Fatal(err)
	}
	want := i.Sign(map[string]any{"sub": "spiffe://example.org/ci"})
	serve := func(token string) string {
		dir, err := os.MkdirTemp("", "spiffe") // its path must be short
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.RemoveAll(dir) })
		l, err := net.Listen("unix", filepath.Join(dir, "s"))
		if err != nil {
			t.Fatal(err)
		}
		s := grpc.NewServer()
		workload.RegisterSpiffeWorkloadAPIServer(s, workloads{token: token})
		go func() { _ = s.Serve(l) }()
		t.Cleanup(s.Stop)
		return "unix://" + l.Addr().String()
	}
	got, err := token(t.Context(), &certified.Sign{SPIFFE: serve(want), ClientID: "sigstore"}, nil)
	if err != nil || got != want {
		t.Errorf("%q, %v", got, err)
	}
	other := i.Sign(map[string]any{"sub": "spiffe://example.org/ci", "aud": "other"})
	if got, err := token(t.Context(), &certified.Sign{SPIFFE: serve(other), ClientID: "sigstore"}, nil); err == nil || got != "" {
		t.Errorf("a token for somebody else: %q, %v", got, err)
	}
}
