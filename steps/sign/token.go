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
	if p.Key != "" || p.GenerateKey || p.PasswordFile != "" {
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
	ask := certified.Sign{SigningConfig: config, Issuer: p.OidcIssuer, ClientID: p.OidcClientId, Device: p.NoBrowser}
	if ask.Token, err = o.token(ctx, e, p); err != nil {
		return nil, err
	}
	if ask.Token == "" && p.OidcIssuer == "" {
		ask.SPIFFE, _ = o.lookup(spiffeSocket)
	}
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
		s.keyID = schema.DigestOf(a.Key)
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

// spiffeSocket names the address of the SPIFFE Workload API, by its standard.
const spiffeSocket = "SPIFFE_ENDPOINT_SOCKET"

// token finds the OIDC identity token: a file, the step's secret or the
// environment's SIGSTORE_ID_TOKEN, what GitHub Actions has for the job, or what
// Google Cloud has for the machine. It is empty where eidos-sigstore asks for one:
// the issuer, or SPIFFE. It is never logged.
func (o Options) token(ctx context.Context, e engine.Env, p schema.SignParams) (string, error) {
	if p.IdentityToken != "" {
		f, err := userfile.OpenDocument(inDir(e.Dir, p.IdentityToken))
		if err != nil {
			return "", schema.Errorf(schema.NotFound, "reading the identity token: %w", err)
		}
		defer f.Close()
		data, err := io.ReadAll(io.LimitReader(f, maxToken))
		if err != nil {
			return "", schema.Errorf(schema.CodeOf(err), "reading the identity token: %w", err)
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
	if s, _ := o.lookup(spiffeSocket); s != "" {
		return "", nil
	}
	if at := o.googleMetadata(); at != "" {
		return googleToken(ctx, at)
	}
	if p.NoBrowser || o.Terminal {
		return "", nil
	}
	return "", schema.Errorf(schema.Unauthorized, "there is no identity token to sign with").
		WithHint("set SIGSTORE_ID_TOKEN, name a file with %s or an issuer with %s; in GitHub Actions the job needs permissions: id-token: write", schema.Parameter("identityToken"), schema.Parameter("oidcIssuer"))
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
	data, err := ask(ctx, "GitHub Actions", u.String(), "Authorization", "Bearer "+bearer)
	if err != nil {
		return "", err
	}
	var answer struct {
		Value string `json:"value"`
	}
	if err := json.Unmarshal(data, &answer); err != nil || answer.Value == "" {
		return "", schema.Errorf(schema.Unavailable, "asking GitHub Actions for an identity token: the answer has none")
	}
	return answer.Value, nil
}

// googleMetadata is the address of the metadata server of Google Cloud, "" on
// another machine. GCE_METADATA_HOST is Google's own name for it.
func (o Options) googleMetadata() string {
	if at, _ := o.lookup("GCE_METADATA_HOST"); at != "" {
		return at
	}
	if o.Product == nil || !strings.HasPrefix(o.Product(), "Google") {
		return ""
	}
	return "metadata.google.internal"
}

// googleToken asks for the token of the service account that the machine, or the
// Pod with Workload Identity, runs as.
func googleToken(ctx context.Context, host string) (string, error) {
	u := url.URL{Scheme: "http", Host: host, Path: "/computeMetadata/v1/instance/service-accounts/default/identity",
		RawQuery: url.Values{"audience": {audience}, "format": {"full"}}.Encode()}
	data, err := ask(ctx, "Google Cloud", u.String(), "Metadata-Flavor", "Google")
	if err != nil {
		return "", err
	}
	if len(data) == 0 {
		return "", schema.Errorf(schema.Unavailable, "asking Google Cloud for an identity token: the answer has none")
	}
	return strings.TrimSpace(string(data)), nil
}

// ask reads an answer with a token from an address that only this machine reaches.
func ask(ctx context.Context, whom, at, header, value string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return nil, schema.Errorf(schema.Invalid, "asking %s for an identity token: the address is not one", whom)
	}
	r.Header.Set(header, value)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, schema.Errorf(schema.Unavailable, "asking %s for an identity token: %w", whom, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, schema.Errorf(schema.Unauthorized, "asking %s for an identity token: status %d", whom, resp.StatusCode)
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxToken))
	if err != nil {
		return nil, schema.Errorf(schema.Unavailable, "asking %s for an identity token: %w", whom, err)
	}
	return data, nil
}
