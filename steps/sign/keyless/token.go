package keyless

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore/pkg/oauthflow"
	"github.com/spiffe/go-spiffe/v2/svid/jwtsvid"
	"github.com/spiffe/go-spiffe/v2/workloadapi"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/sign/certified"
)

// token is the one of the request, else the workload's, else the one that the
// issuer makes for whoever opens its page.
func token(ctx context.Context, r *certified.Sign, config *root.SigningConfig) (string, error) {
	switch {
	case r.Token != "":
		return r.Token, nil
	case r.SPIFFE != "":
		return workloadToken(ctx, r.SPIFFE, r.ClientID)
	}
	issuer := r.Issuer
	if issuer == "" {
		s, err := root.SelectService(config.OIDCProviderURLs(), []uint32{1}, time.Now())
		if err != nil {
			return "", schema.Errorf(schema.Unauthorized, "there is no identity token, and the signing configuration has no issuer to ask for one").
				WithHint("name the issuer with %s, or a file with the token with %s", schema.Parameter("oidcIssuer"), schema.Parameter("identityToken"))
		}
		issuer = s.URL
	}
	var flow oauthflow.TokenGetter
	if open := browser(); open != nil && !r.Device {
		// Its words when the browser does not answer ask for a code to be typed in,
		// which is not possible here: the empty input ends that.
		flow = &oauthflow.InteractiveIDTokenGetter{BrowserOpener: open, Input: strings.NewReader(""), Output: os.Stderr, HTMLPage: page}
	} else {
		device := oauthflow.NewDeviceFlowTokenGetterForIssuer(issuer)
		device.MessagePrinter = func(line string) { fmt.Fprintln(os.Stderr, line) }
		flow = device
	}
	t, err := oauthflow.OIDConnect(issuer, r.ClientID, "", "", flow)
	if err != nil {
		return "", schema.Errorf(schema.Unauthorized, "asking %q for a token: %w", issuer, err)
	}
	return t.RawString, nil
}

const page = `<!doctype html><title>eidos</title><p>eidos has the token: this page can be closed.</p>`

// browser opens an address in the browser of this host; nil if there is none, or
// nothing to show it on.
func browser() func(url string) error {
	name := "xdg-open"
	if runtime.GOOS == "darwin" {
		name = "open"
	} else if os.Getenv("DISPLAY") == "" && os.Getenv("WAYLAND_DISPLAY") == "" {
		return nil
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return nil
	}
	return func(url string) error {
		c := exec.Command(path, url)
		if err := c.Start(); err != nil {
			return err
		}
		go func() { _ = c.Wait() }() // some run as long as the browser does
		return nil
	}
}

// workloadToken asks the SPIFFE Workload API at an address, unix:///…, for the
// token of this workload.
func workloadToken(ctx context.Context, address, audience string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	svid, err := workloadapi.FetchJWTSVID(ctx, jwtsvid.Params{Audience: audience}, workloadapi.WithAddr(address))
	if err != nil {
		code := schema.Unauthorized
		if errors.Is(err, context.DeadlineExceeded) {
			code = schema.Unavailable
		}
		return "", schema.Errorf(code, "asking the SPIFFE Workload API at %q for a token: %w", address, err)
	}
	return svid.Marshal(), nil
}
