package sign

import (
	"encoding/json"
	"io"
	"time"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/internal/replace"
)

// trustedRoot is the part of a Sigstore trusted root that people look at, see
// https://github.com/sigstore/protobuf-specs (protos/sigstore_trustroot.proto).
type trustedRoot struct {
	MediaType   string      `json:"mediaType"`
	Authorities []trustPart `json:"certificateAuthorities"`
	Logs        []trustPart `json:"tlogs"`
	CTLogs      []trustPart `json:"ctlogs"`
	Timestamps  []trustPart `json:"timestampAuthorities"`
}

// signingConfig is that part of a signing configuration.
type signingConfig struct {
	MediaType  string      `json:"mediaType"`
	Fulcios    []trustPart `json:"caUrls"`
	Issuers    []trustPart `json:"oidcUrls"`
	Logs       []trustPart `json:"rekorTlogUrls"`
	Timestamps []trustPart `json:"tsaUrls"`
}

type trustPart struct {
	URI       string  `json:"uri"`
	BaseURL   string  `json:"baseUrl"`
	URL       string  `json:"url"`
	ValidFor  *period `json:"validFor"`
	PublicKey struct {
		ValidFor *period `json:"validFor"`
	} `json:"publicKey"`
}

type period struct {
	Start *time.Time `json:"start"`
	End   *time.Time `json:"end"`
}

// StoreTrust stores the files that are named, and returns where. Nothing is stored
// unless each is what it should be.
func (o Options) StoreTrust(root, config string) ([]string, error) {
	if o.trustFile("") == "" {
		return nil, schema.Errorf(schema.Invalid, "there is no data directory to store anything in").WithHint("set EIDOS_DATA or HOME")
	}
	var out []string
	var write []func() error
	for _, f := range []struct {
		path, name, mediaType string
	}{
		{root, TrustedRootFile, "application/vnd.dev.sigstore.trustedroot"},
		{config, SigningConfigFile, "application/vnd.dev.sigstore.signingconfig"},
	} {
		if f.path == "" {
			continue
		}
		data, err := o.TrustFile(f.path, f.name)
		if err != nil {
			return nil, err
		}
		var is struct {
			MediaType string `json:"mediaType"`
		}
		if err := json.Unmarshal(data, &is); err != nil || len(is.MediaType) < len(f.mediaType) || is.MediaType[:len(f.mediaType)] != f.mediaType {
			return nil, schema.Errorf(schema.Invalid, "%q is a %q, not a %s", f.path, is.MediaType, f.mediaType)
		}
		to := o.trustFile(f.name)
		out = append(out, to)
		write = append(write, func() error {
			return replace.File(to, 0o644, func(w io.Writer) error {
				_, err := w.Write(data)
				return err
			})
		})
	}
	for _, w := range write {
		if err := w(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// ShowTrust lists what is stored, a row each. NotFound if nothing is.
func (o Options) ShowTrust() ([][]string, error) {
	rows := [][]string{{"WHAT", "AT", "FROM", "UNTIL"}}
	add := func(what string, parts []trustPart) {
		for _, p := range parts {
			valid := p.ValidFor
			if valid == nil {
				valid = p.PublicKey.ValidFor
			}
			row := []string{what, p.URI + p.BaseURL + p.URL, "", ""}
			if valid != nil {
				for i, t := range []*time.Time{valid.Start, valid.End} {
					if t != nil {
						row[2+i] = t.UTC().Format(time.RFC3339)
					}
				}
			}
			rows = append(rows, row)
		}
	}
	data, err := o.TrustFile("", TrustedRootFile)
	if err != nil {
		return nil, err
	}
	var r trustedRoot
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, schema.Errorf(schema.Invalid, "reading the stored trusted root: %w", err)
	}
	add("certificate authority", r.Authorities)
	add("certificate transparency log", r.CTLogs)
	add("transparency log", r.Logs)
	add("timestamp authority", r.Timestamps)
	data, err = o.TrustFile("", SigningConfigFile)
	if schema.CodeOf(err) == schema.NotFound {
		return rows, nil
	}
	if err != nil {
		return nil, err
	}
	var c signingConfig
	if err := json.Unmarshal(data, &c); err != nil {
		return nil, schema.Errorf(schema.Invalid, "reading the stored signing configuration: %w", err)
	}
	add("asks Fulcio", c.Fulcios)
	add("asks for tokens", c.Issuers)
	add("writes to log", c.Logs)
	add("asks for timestamps", c.Timestamps)
	return rows, nil
}
