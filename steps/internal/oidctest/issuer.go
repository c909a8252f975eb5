// Package oidctest is an OIDC issuer for tests: discovery, keys, the device flow,
// and the authorization code flow with PKCE. It signs with ES256.
package oidctest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// Issuer is an http.Handler. Whoever asks for a token gets one for Subject.
type Issuer struct {
	URL     string // where it listens, without a slash at the end
	Subject string // an e-mail address

	key   *ecdsa.PrivateKey
	mu    sync.Mutex
	polls int
	asked map[string]url.Values // requests for a code, by the code
}

// New returns an issuer at an address.
func New(at, subject string) (*Issuer, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	return &Issuer{URL: at, Subject: subject, key: key, asked: map[string]url.Values{}}, err
}

// Polls is how often the device flow has asked for a token.
func (i *Issuer) Polls() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.polls
}

// ServeHTTP is all of the issuer.
func (i *Issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b64 := base64.RawURLEncoding.EncodeToString
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		reply(w, http.StatusOK, map[string]any{"issuer": i.URL, "jwks_uri": i.URL + "/keys", "authorization_endpoint": i.URL + "/auth",
			"token_endpoint": i.URL + "/token", "device_authorization_endpoint": i.URL + "/device",
			"response_types_supported": []string{"code"}, "code_challenge_methods_supported": []string{"S256"},
			"subject_types_supported": []string{"public"}, "id_token_signing_alg_values_supported": []string{"ES256"}})
	case "/keys":
		public, err := i.key.PublicKey.Bytes()
		if err != nil {
			panic(err)
		}
		reply(w, http.StatusOK, map[string]any{"keys": []any{map[string]any{"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": "k",
			"x": b64(public[1:33]), "y": b64(public[33:])}}})
	case "/device":
		reply(w, http.StatusOK, map[string]any{"device_code": "d", "user_code": "ABCD", "verification_uri": i.URL + "/open",
			"verification_uri_complete": i.URL + "/open?c=ABCD", "interval": 1, "expires_in": 60})
	case "/auth":
		q := r.URL.Query()
		i.mu.Lock()
		code := fmt.Sprintf("code-%d", len(i.asked))
		i.asked[code] = q
		i.mu.Unlock()
		back := url.Values{"code": {code}, "state": {q.Get("state")}}
		http.Redirect(w, r, q.Get("redirect_uri")+"?"+back.Encode(), http.StatusFound)
	case "/token":
		i.token(w, r)
	default:
		http.NotFound(w, r)
	}
}

func (i *Issuer) token(w http.ResponseWriter, r *http.Request) {
	claims := map[string]any{}
	switch r.FormValue("grant_type") {
	case "authorization_code":
		i.mu.Lock()
		asked, ok := i.asked[r.FormValue("code")]
		delete(i.asked, r.FormValue("code"))
		i.mu.Unlock()
		sum := sha256.Sum256([]byte(r.FormValue("code_verifier")))
		if !ok || asked.Get("redirect_uri") != r.FormValue("redirect_uri") || asked.Get("code_challenge_method") != "S256" ||
			asked.Get("code_challenge") != base64.RawURLEncoding.EncodeToString(sum[:]) {
			reply(w, http.StatusBadRequest, map[string]any{"error": "invalid_grant"})
			return
		}
		claims["nonce"] = asked.Get("nonce")
	default:
		i.mu.Lock()
		i.polls++
		first := i.polls == 1
		i.mu.Unlock()
		if first { // the person has not opened the address yet
			reply(w, http.StatusBadRequest, map[string]any{"error": "authorization_pending"})
			return
		}
	}
	reply(w, http.StatusOK, map[string]any{"id_token": i.Sign(claims), "access_token": "a", "token_type": "Bearer"})
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

// Sign is an identity token for Subject and Fulcio, of ten minutes, with these
// claims beside or instead of the usual ones.
func (i *Issuer) Sign(claims map[string]any) string {
	now := time.Now()
	all := map[string]any{"iss": i.URL, "aud": "sigstore", "sub": i.Subject, "email": i.Subject, "email_verified": true,
		"iat": now.Unix(), "exp": now.Add(10 * time.Minute).Unix()}
	maps.Copy(all, claims)
	text := part(map[string]any{"alg": "ES256", "kid": "k", "typ": "JWT"}) + "." + part(all)
	sum := sha256.Sum256([]byte(text))
	r, s, err := ecdsa.Sign(rand.Reader, i.key, sum[:])
	if err != nil {
		panic(err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...))
}

func part(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return base64.RawURLEncoding.EncodeToString(data)
}
