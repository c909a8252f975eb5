package keyless

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/tuf"
	"github.com/theupdateframework/go-tuf/v2/metadata"
	"github.com/theupdateframework/go-tuf/v2/metadata/config"
	"github.com/theupdateframework/go-tuf/v2/metadata/updater"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/internal/replace"
	"github.com/NVIDIA/eidos/steps/internal/web"
	"github.com/NVIDIA/eidos/steps/sign/certified"
)

// Targets of a Sigstore's TUF repository.
const (
	rootTarget   = "trusted_root.json"
	configTarget = "signing_config.v0.2.json"
)

// update reads the trusted root and the signing configuration of a TUF mirror, by
// the TUF client workflow: from the root in the request, else from the root that
// the last update has verified, else, for the public Sigstore, from the one that
// sigstore-go has. What was verified is kept in a folder of the mirror's in r.Dir,
// so that the next update refuses older metadata; a failed update leaves it as it
// is.
func update(ctx context.Context, r *certified.Update) (*certified.Answer, error) {
	mirror := r.Mirror
	if mirror == "" {
		mirror = tuf.DefaultMirror
	}
	f, err := newFetcher(ctx, mirror)
	if err != nil {
		return nil, err
	}
	name := tuf.URLToPath(mirror)
	if !filepath.IsLocal(name) || name == "." {
		return nil, schema.Errorf(schema.Invalid, "mirror %q is not an address", web.Shown(mirror))
	}
	dir := filepath.Join(r.Dir, name)
	anchor, err := anchor(r.Root, mirror, dir)
	if err != nil {
		return nil, err
	}
	a := &certified.Answer{Mirror: mirror}
	err = replace.Dir(ctx, dir, func() error { return nil }, func(tmp *os.Root) error {
		old, err := os.OpenRoot(dir)
		if err == nil {
			defer old.Close()
			err = os.CopyFS(tmp.Name(), old.FS())
		} else if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		if err != nil {
			return err
		}
		if err := refresh(a, f, anchor, tmp.Name()); err != nil {
			return refused(mirror, err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return a, nil
}

// anchor is the TUF root that an update begins with. NotFound if there is none.
func anchor(named []byte, mirror, dir string) ([]byte, error) {
	if named != nil {
		if _, err := metadata.Root().FromBytes(named); err != nil {
			return nil, schema.Errorf(schema.Invalid, "the file of --root is not a TUF root: %w", err)
		}
		return named, nil
	}
	stored, err := os.ReadFile(filepath.Join(dir, metadata.ROOT+".json"))
	switch {
	case err == nil:
		return stored, nil
	case !errors.Is(err, fs.ErrNotExist):
		return nil, schema.Errorf(schema.Failed, "reading the root of the last update: %w", err)
	case mirror == tuf.DefaultMirror:
		return tuf.DefaultRoot(), nil
	}
	return nil, schema.Errorf(schema.NotFound, "there is no TUF root to check mirror %q by", web.Shown(mirror)).
		WithHint("name its root.json with --root, from somebody you trust and not from the mirror itself")
}

// refresh brings the metadata in dir up to date and reads the targets into a.
func refresh(a *certified.Answer, f *fetcher, anchor []byte, dir string) error {
	c, err := config.New(f.mirror, anchor)
	if err != nil {
		return err
	}
	c.Fetcher, c.LocalMetadataDir, c.LocalTargetsDir = f, dir, filepath.Join(dir, "targets")
	u, err := updater.New(c)
	if err != nil {
		return err
	}
	if err := u.Refresh(); err != nil {
		return err
	}
	set := u.GetTrustedMetadataSet()
	a.At = set.Timestamp.Signed.Expires.UTC()
	if a.TrustedRoot, err = target(u, rootTarget); err != nil {
		return err
	}
	if _, err := root.NewTrustedRootFromJSON(a.TrustedRoot); err != nil {
		return schema.Errorf(schema.Invalid, "reading %s: %w", rootTarget, err)
	}
	// A Sigstore that only verifies has no signing configuration.
	if set.Targets[metadata.TARGETS].Signed.Targets[configTarget] == nil {
		return nil
	}
	if a.SigningConfig, err = target(u, configTarget); err != nil {
		return err
	}
	if _, err := root.NewSigningConfigFromJSON(a.SigningConfig); err != nil {
		return schema.Errorf(schema.Invalid, "reading %s: %w", configTarget, err)
	}
	return nil
}

func target(u *updater.Updater, name string) ([]byte, error) {
	info, err := u.GetTargetInfo(name)
	if err != nil {
		return nil, err
	}
	if _, data, err := u.FindCachedTarget(info, ""); err == nil && data != nil {
		return data, nil
	}
	_, data, err := u.DownloadTarget(info, "", "")
	return data, err
}

// refused adds which mirror it is, and what can be done.
func refused(mirror string, err error) error {
	code, hint := schema.CodeOf(err), ""
	switch {
	case errors.Is(err, &metadata.ErrExpiredMetadata{}):
		code, hint = schema.Unsatisfied, "the mirror has not been renewed, or the clock of this host is wrong; what is stored stays in use"
	case errors.Is(err, &metadata.ErrUnsignedMetadata{}):
		code, hint = schema.Unsatisfied, "it is the mirror of another Sigstore, or its keys were replaced: ask its operator for root.json, and name that with --root"
	case errors.Is(err, &metadata.ErrBadVersionNumber{}):
		code, hint = schema.Unsatisfied, "the mirror serves metadata that is older than what was verified before; what is stored stays in use"
	case errors.Is(err, &metadata.ErrRepository{}), errors.Is(err, &metadata.ErrValue{}), errors.Is(err, &metadata.ErrType{}):
		code = schema.Unsatisfied
	case errors.Is(err, &metadata.ErrDownload{}):
		code = schema.Unavailable
	}
	return schema.Errorf(code, "updating from mirror %q: %w", web.Shown(mirror), err).WithHint("%s", hint)
}

// fetcher reads from a mirror: a web server, or a directory as file:///….
type fetcher struct {
	ctx    context.Context // of one update: the interface of go-tuf has none
	mirror string
	client web.Client
	dir    string // of file:///…
}

func newFetcher(ctx context.Context, mirror string) (*fetcher, error) {
	u, err := url.Parse(mirror)
	if err != nil || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return nil, schema.Errorf(schema.Invalid, "mirror %q is not an address", web.Shown(mirror))
	}
	f := &fetcher{ctx: ctx, mirror: mirror}
	switch {
	case (u.Scheme == "https" || u.Scheme == "http") && u.Host != "":
	case u.Scheme == "file" && u.Host == "" && filepath.IsAbs(u.Path):
		f.dir = filepath.Clean(u.Path)
	default:
		return nil, schema.Errorf(schema.Invalid, "mirror %q is not an address", web.Shown(mirror)).WithHint("write https://HOST/PATH, or file:///DIRECTORY")
	}
	return f, nil
}

// DownloadFile returns what is at an address below the mirror's, at most limit
// bytes. go-tuf wants its own error where there is nothing.
func (f *fetcher) DownloadFile(at string, limit int64, _ time.Duration) ([]byte, error) {
	none := &metadata.ErrDownloadHTTP{StatusCode: http.StatusNotFound, URL: web.Shown(at)}
	if f.dir == "" {
		data, err := f.client.Read(f.ctx, at, "*/*", limit)
		if schema.CodeOf(err) == schema.NotFound {
			return nil, none
		}
		return data, err
	}
	u, err := url.Parse(at)
	if err != nil {
		return nil, err
	}
	file, err := os.OpenInRoot(f.dir, strings.TrimPrefix(strings.TrimPrefix(u.Path, f.dir), "/"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, none
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = &metadata.ErrDownloadLengthMismatch{Msg: at + " is too long"}
	}
	return data, err
}
