package sign

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/internal/replace"
	"github.com/NVIDIA/eidos/steps/sign/certified"
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

// trustMediaTypes are those of the files that are stored, without their versions.
var trustMediaTypes = map[string]string{
	TrustedRootFile:   "application/vnd.dev.sigstore.trustedroot",
	SigningConfigFile: "application/vnd.dev.sigstore.signingconfig",
}

// StoreTrust stores the files that are named, and returns where. Nothing is stored
// unless each is what it should be.
func (o Options) StoreTrust(root, config string) ([]string, error) {
	if err := o.hasData(); err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for name, path := range map[string]string{TrustedRootFile: root, SigningConfigFile: config} {
		if path == "" {
			continue
		}
		data, err := o.TrustFile(path, name)
		if err != nil {
			return nil, err
		}
		var is struct {
			MediaType string `json:"mediaType"`
		}
		want := trustMediaTypes[name]
		if err := json.Unmarshal(data, &is); err != nil || !strings.HasPrefix(is.MediaType, want) {
			return nil, schema.Errorf(schema.Invalid, "%q is a %q, not a %s", path, is.MediaType, want)
		}
		files[name] = data
	}
	// What is stored does not come from the mirror any more.
	if err := os.Remove(o.trustFile(mirrorFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, schema.Errorf(schema.Failed, "forgetting the mirror: %w", err)
	}
	return o.storeTrust(files)
}

func (o Options) hasData() error {
	if o.trustFile("") == "" {
		return schema.Errorf(schema.Invalid, "there is no data directory to store anything in").WithHint("set EIDOS_DATA or HOME")
	}
	return nil
}

// storeTrust writes the files by name, and returns where.
func (o Options) storeTrust(files map[string][]byte) ([]string, error) {
	var out []string
	for _, name := range slices.Backward(slices.Sorted(maps.Keys(files))) { // the trusted root first
		to := o.trustFile(name)
		err := replace.File(to, 0o644, func(w io.Writer) error {
			_, err := w.Write(files[name])
			return err
		})
		if err != nil {
			return out, err
		}
		out = append(out, to)
	}
	return out, nil
}

// mirror is where the stored files came from, and when the mirror has to be renewed.
type mirror struct {
	URL   string    `json:"url"`
	Until time.Time `json:"until,omitzero"`
}

// mirrorFile has the mirror of the last update. NotFound if there was none.
const mirrorFile = "mirror.json"

func (o Options) mirror() (mirror, error) {
	var m mirror
	data, err := o.TrustFile("", mirrorFile)
	if err == nil {
		err = json.Unmarshal(data, &m)
	}
	return m, err
}

// UpdateTrust stores the trusted root and the signing configuration of a TUF mirror
// and returns where: of the one at this address, else of the last one, else of the
// public Sigstore's. root is a file with the TUF root that the mirror's metadata
// must follow from; a mirror that was used before needs none.
func (o Options) UpdateTrust(ctx context.Context, at, root string) ([]string, error) {
	if err := o.hasData(); err != nil {
		return nil, err
	}
	if o.Certified == nil {
		return nil, schema.Errorf(schema.Invalid, "certificates are not available here")
	}
	r := &certified.Update{Mirror: at, Dir: o.trustFile("tuf")}
	var err error
	if root != "" {
		if r.Root, err = o.TrustFile(root, ""); err != nil {
			return nil, err
		}
	}
	if at == "" {
		m, err := o.mirror()
		if err == nil {
			r.Mirror = m.URL
		} else if _, stored := o.TrustFile("", TrustedRootFile); schema.CodeOf(err) != schema.NotFound || stored == nil {
			return nil, schema.Errorf(schema.Invalid, "which mirror the stored trusted root comes from is not known").
				WithHint("name it with --mirror; the public Sigstore's is https://tuf-repo-cdn.sigstore.dev")
		}
	}
	a, err := o.Certified(ctx, certified.Request{Update: r}, nil)
	if err != nil {
		return nil, err
	}
	was, err := json.Marshal(mirror{URL: a.Mirror, Until: a.At})
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{TrustedRootFile: a.TrustedRoot, mirrorFile: was}
	if a.SigningConfig != nil {
		files[SigningConfigFile] = a.SigningConfig
	}
	return o.storeTrust(files)
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
	if m, err := o.mirror(); err == nil {
		rows = append(rows, []string{"updated from", m.URL, "", m.Until.UTC().Format(time.RFC3339)})
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
