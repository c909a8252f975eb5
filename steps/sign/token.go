package sign

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/sigstore/cosign/v2/pkg/types"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/userfile"
	"github.com/NVIDIA/eidos/steps/sign/certified"
)

const (
	// maxToken is the most bytes of an identity token, and of an answer with one.
	maxToken = 64 << 10
	// audience is whom tokens are for: Fulcio takes no others.
	audience = "sigstore"
)

// certifiedSigner signs with certificates for whom a token identifies. Each
// statement gets a key and a certificate of its own.
func (o Options) certifiedSigner(ctx context.Context, e engine.Env, p schema.SignParams) (*signer, error) {
	if p.Key != "" || p.GenerateKey {
		return nil, schema.Errorf(schema.Invalid, "a key signs, or an identity: not both")
	}
	if p.Format == "legacy" {
		return nil, schema.Errorf(schema.Invalid, "the legacy format is for keys: what a certificate signs is a Sigstore bundle")
	}
	if o.Certified == nil {
		return nil, schema.Errorf(schema.Invalid, "certificates are not available here")
	}
	config, err := o.TrustFile(pathIn(e.Dir, p.SigningConfig), SigningConfigFile)
	if err != nil {
		return nil, err
	}
	token, err := o.token(ctx, e, p)
	if err != nil {
		return nil, err
	}
	ask := certified.Sign{SigningConfig: config, Token: token, Issuer: p.OidcIssuer, ClientID: p.OidcClientId}
	if ask.ClientID == "" {
		ask.ClientID = audience
	}
	s := &signer{}
	s.sealed = func(statement []byte) ([]byte, error) {
		r := ask
		r.Payload, r.PayloadType = statement, types.IntotoPayloadType
		a, err := o.Certified(ctx, certified.Request{Sign: &r}, func(line string) { e.Log("%s", line) })
		if err != nil {
			return nil, err
		}
		s.keyID = keyID(a.Key)
		return a.Bundle, nil
	}
	return s, nil
}

func pathIn(dir, path string) string {
	if path == "" {
		return ""
	}
	return inDir(dir, path)
}

// token finds the OIDC identity token: a file, the step's secret or the
// environment's SIGSTORE_ID_TOKEN, or what GitHub Actions has for the job. It is
// empty where the issuer is asked for one. It is never logged.
func (o Options) token(ctx context.Context, e engine.Env, p schema.SignParams) (string, error) {
	if p.IdentityToken != "" {
		f, err := userfile.OpenDocument(inDir(e.Dir, p.IdentityToken))
		if err != nil {
			return "", schema.Errorf(schema.NotFound, "reading the identity token: %w", err)
		}
		defer f.Close()
		data, err := io.ReadAll(io.LimitReader(f, maxToken))
		if err != nil {
			return "", schema.Errorf(schema.Invalid, "reading the identity token: %w", err)
		}
		return strings.TrimSpace(string(data)), nil
	}
	if e.Secret != nil {
		if s, err := e.Secret("SIGSTORE_ID_TOKEN"); err == nil {
			return s, nil
		} else if schema.CodeOf(err) != schema.NotFound {
			return "", err
		}
	}
	if s, _ := o.lookup("SIGSTORE_ID_TOKEN"); s != "" {
		return s, nil
	}
	if p.OidcIssuer != "" {
		return "", nil
	}
	at, _ := o.lookup("ACTIONS_ID_TOKEN_REQUEST_URL")
	bearer, _ := o.lookup("ACTIONS_ID_TOKEN_REQUEST_TOKEN")
	if at != "" && bearer != "" {
		return gitHubToken(ctx, at, bearer)
	}
	return "", schema.Errorf(schema.Unauthorized, "there is no identity token to sign with").
		WithHint("set SIGSTORE_ID_TOKEN, name a file with --identity-token or an issuer with --oidc-issuer; in GitHub Actions the job needs permissions: id-token: write")
}

// gitHubToken asks GitHub Actions for the token of the job.
func gitHubToken(ctx context.Context, at, bearer string) (string, error) {
	u, err := url.Parse(at)
	if err != nil {
		return "", schema.Errorf(schema.Invalid, "ACTIONS_ID_TOKEN_REQUEST_URL is not an address")
	}
	q := u.Query()
	q.Set("audience", audience)
	u.RawQuery = q.Encode()
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return "", err
	}
	r.Header.Set("Authorization", "Bearer "+bearer)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", schema.Errorf(schema.Unavailable, "asking GitHub Actions for an identity token: %w", err)
	}
	defer resp.Body.Close()
	var answer struct {
		Value string `json:"value"`
	}
	if resp.StatusCode != http.StatusOK {
		return "", schema.Errorf(schema.Unauthorized, "asking GitHub Actions for an identity token: status %d", resp.StatusCode)
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxToken)).Decode(&answer); err != nil || answer.Value == "" {
		return "", schema.Errorf(schema.Unavailable, "asking GitHub Actions for an identity token: the answer has none")
	}
	return answer.Value, nil
}
