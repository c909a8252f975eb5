// Package certified asks the program eidos-sigstore to sign with certificates of
// Fulcio, to verify what is signed with them, and to update what they are verified
// by. The clients of Fulcio, Rekor, timestamp authorities and TUF are in that
// program, because linking them would cost every command of eidos some milliseconds
// before main and a third of its size. Each line of its standard input is a request
// in JSON, each line of its standard output the answer to one, in order; what it
// prints for people comes line by line from its standard error. It ends when its
// standard input does.
package certified

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/NVIDIA/eidos/schema"
)

// Name is the program's.
const Name = "eidos-sigstore"

// MaxBytes is the most bytes that the line of a request or of an answer may have.
const MaxBytes = 64 << 20

// Request is one of its members.
type Request struct {
	Verify *Verify `json:"verify,omitempty"`
	Sign   *Sign   `json:"sign,omitempty"`
	Update *Update `json:"update,omitempty"`
}

// Verify checks a Sigstore bundle: certificate, signature, log entry and
// timestamps, by a trusted root. Whose certificate is wanted, and what of, is not
// its matter.
type Verify struct {
	Bundle      json.RawMessage `json:"bundle"`
	TrustedRoot json.RawMessage `json:"trustedRoot"`
	// Key is the public key, in PKIX DER form, of a bundle without a certificate.
	Key []byte `json:"key,omitempty"`
}

// Sign signs a payload for whoever the token identifies.
type Sign struct {
	Payload       []byte          `json:"payload"`
	PayloadType   string          `json:"payloadType"`
	SigningConfig json.RawMessage `json:"signingConfig"`
	TrustedRoot   json.RawMessage `json:"trustedRoot,omitempty"` // the result is verified by it
	// Token is the OIDC identity token. Without it, the SPIFFE Workload API at the
	// address SPIFFE is asked for one; without that, the issuer, or the one of the
	// signing configuration: by the browser, or by the device flow.
	Token    string `json:"token,omitempty"`
	SPIFFE   string `json:"spiffe,omitempty"`
	Issuer   string `json:"issuer,omitempty"`
	ClientID string `json:"clientID,omitempty"`
	Device   bool   `json:"device,omitempty"`
}

// Update reads the trusted root and the signing configuration of a TUF mirror.
type Update struct {
	Mirror string          `json:"mirror,omitempty"` // "" is the public Sigstore's
	Root   json.RawMessage `json:"root,omitempty"`   // TUF root; without it, the last verified one
	Dir    string          `json:"dir"`              // what was verified of each mirror is kept there
}

// Answer is what is proven of a bundle, or a new one.
type Answer struct {
	Bundle      json.RawMessage `json:"bundle,omitempty"`
	Payload     []byte          `json:"payload,omitempty"`
	PayloadType string          `json:"payloadType,omitempty"`
	// Identity is the certificate's subject alternative name, of SANType.
	Identity string `json:"identity,omitempty"`
	SANType  string `json:"sanType,omitempty"`
	Issuer   string `json:"issuer,omitempty"`
	Key      []byte `json:"key,omitempty"` // of the certificate, in PKIX DER form
	// TrustedRoot and SigningConfig are those of the mirror Mirror, which has to be
	// renewed until At.
	TrustedRoot   json.RawMessage `json:"trustedRoot,omitempty"`
	SigningConfig json.RawMessage `json:"signingConfig,omitempty"`
	Mirror        string          `json:"mirror,omitempty"`
	// Logged says that a transparency log has recorded it, and At when that log or
	// a timestamp authority saw it first; zero if neither did.
	Logged bool      `json:"logged,omitempty"`
	At     time.Time `json:"at,omitzero"`
	// Error is why there is none of this.
	Error string      `json:"error,omitempty"`
	Code  schema.Code `json:"code,omitempty"`
	Hint  string      `json:"hint,omitempty"`
}

// result is an answer, or the error that it holds.
func (a *Answer) result() (*Answer, error) {
	if a.Error != "" {
		return nil, schema.Errorf(a.Code, "%s", a.Error).WithHint("%s", a.Hint)
	}
	return a, nil
}

// Failed is the answer to a request that could not be fulfilled.
func Failed(err error) *Answer {
	a := &Answer{Error: err.Error(), Code: schema.CodeOf(err)}
	if e := (*schema.Error)(nil); errors.As(err, &e) {
		a.Hint = e.Hint
	}
	return a
}
