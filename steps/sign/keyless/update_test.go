package keyless_test

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/oci"
	"github.com/NVIDIA/eidos/steps/sign"
	"github.com/NVIDIA/eidos/steps/sign/certified"
	"github.com/NVIDIA/eidos/steps/sign/keyless"
)

// repository is a TUF repository in a directory, with one key for all roles.
type repository struct {
	t       *testing.T
	dir     string
	key     ed25519.PrivateKey
	expires time.Time
}

func newRepository(t *testing.T) *repository {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	r := &repository{t: t, dir: t.TempDir(), key: key, expires: time.Now().Add(time.Hour)}
	r.writeRoot(1, key)
	return r
}

func (r *repository) check(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// put signs metadata with keys and writes it.
func put[T metadata.Roles](r *repository, name string, m *metadata.Metadata[T], keys ...ed25519.PrivateKey) {
	r.t.Helper()
	for _, k := range keys {
		s, err := signature.LoadSigner(k, crypto.Hash(0))
		r.check(err)
		_, err = m.Sign(s)
		r.check(err)
	}
	r.check(m.ToFile(filepath.Join(r.dir, name), false))
}

// writeRoot writes a version of the root that trusts r.key, signed with keys.
func (r *repository) writeRoot(version int, keys ...ed25519.PrivateKey) {
	r.t.Helper()
	m := metadata.Root(r.expires)
	m.Signed.Version = int64(version)
	public, err := metadata.KeyFromPublicKey(r.key.Public())
	r.check(err)
	for _, role := range []string{"root", "targets", "snapshot", "timestamp"} {
		r.check(m.Signed.AddKey(public, role))
	}
	put(r, strconv.Itoa(version)+".root.json", m, keys...)
}

func (r *repository) rootFile(version int) string {
	return filepath.Join(r.dir, strconv.Itoa(version)+".root.json")
}

// publish writes a version of everything but the root, with these targets.
func (r *repository) publish(version int, files map[string][]byte) {
	r.t.Helper()
	targets := metadata.Targets(r.expires)
	targets.Signed.Version = int64(version)
	r.check(os.MkdirAll(filepath.Join(r.dir, "targets"), 0o755))
	for name, data := range files {
		info, err := metadata.TargetFile().FromBytes(name, data, "sha256")
		r.check(err)
		targets.Signed.Targets[name] = info
		r.check(os.WriteFile(filepath.Join(r.dir, "targets", info.Hashes["sha256"].String()+"."+name), data, 0o644))
	}
	v := strconv.Itoa(version)
	put(r, v+".targets.json", targets, r.key)
	snapshot := metadata.Snapshot(r.expires)
	snapshot.Signed.Version = int64(version)
	snapshot.Signed.Meta["targets.json"] = metadata.MetaFile(int64(version))
	put(r, v+".snapshot.json", snapshot, r.key)
	timestamp := metadata.Timestamp(r.expires)
	timestamp.Signed.Version = int64(version)
	timestamp.Signed.Meta["snapshot.json"] = metadata.MetaFile(int64(version))
	put(r, "timestamp.json", timestamp, r.key)
}

const emptyConfig = `{"mediaType":"application/vnd.dev.sigstore.signingconfig.v0.2+json","caUrls":[],"oidcUrls":[],"rekorTlogUrls":[],"rekorTlogConfig":{"selector":"ANY"},"tsaUrls":[],"tsaConfig":{"selector":"ANY"}}`

// answerer is eidos-sigstore in this process, with its answers as eidos reads them.
func answerer(ctx context.Context, r certified.Request, _ func(string)) (*certified.Answer, error) {
	a, err := keyless.Answer(ctx, r)
	if err != nil {
		f := certified.Failed(err)
		return nil, schema.Errorf(f.Code, "%s", f.Error).WithHint("%s", f.Hint)
	}
	return a, nil
}

// An update follows the keys of the mirror, refuses what is expired, older or
// signed by others, and leaves what is stored as it is then.
func TestUpdate(t *testing.T) {
	o := newOffice(t)
	first := o.root(o.ca.FulcioCertificateAuthorities())
	was := *o.ca.FulcioCertificateAuthorities()[0].(*root.FulcioCertificateAuthority)
	was.ValidityPeriodEnd = time.Now().Add(-24 * time.Hour)
	withdrawn := o.root([]root.CertificateAuthority{&was})

	r := newRepository(t)
	r.publish(1, map[string][]byte{"trusted_root.json": first, "signing_config.v0.2.json": []byte(emptyConfig)})
	server := httptest.NewServer(http.FileServer(http.Dir(r.dir)))
	defer server.Close()
	data := t.TempDir()
	options := sign.Options{OCI: oci.Options{Data: data}, Certified: answerer}
	stored := func(name string) string {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(data, "trust", name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	update := func(mirror, anchor string) error {
		_, err := options.UpdateTrust(t.Context(), mirror, anchor)
		return err
	}
	fails := func(err error, code schema.Code, want string) {
		t.Helper()
		if err == nil || schema.CodeOf(err) != code || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v\nhas no %q", schema.CodeOf(err), err, want)
		}
	}
	other := newRepository(t)
	fails(update(server.URL, ""), schema.NotFound, "there is no TUF root to check mirror")
	fails(update(server.URL, other.rootFile(1)), schema.Unsatisfied, "Verifying timestamp failed")
	if _, err := os.Stat(filepath.Join(data, "trust", "tuf")); err == nil {
		if left, _ := os.ReadDir(filepath.Join(data, "trust", "tuf")); len(left) > 0 {
			t.Errorf("a refused update left %v", left)
		}
	}
	for _, bad := range []string{"ftp://x/y", "https://", "..", "file://host/x", "https://u:p@x/y"} {
		fails(update(bad, r.rootFile(1)), schema.Invalid, "is not an address")
	}
	if err := update(server.URL, r.rootFile(1)); err != nil {
		t.Fatal(err)
	}
	if stored("trusted_root.json") != string(first) || stored("signing_config.json") != emptyConfig {
		t.Error("what is stored is not what the mirror has")
	}
	b := o.signature(who, issuer, text, soon)
	o.write("root.json", []byte(stored("trusted_root.json")))
	exact := map[string]any{"certificateIdentity": who, "certificateOidcIssuer": issuer, "trustedRoot": "root.json"}
	if v, err := o.verify(b, exact); err != nil || !v.Verified {
		t.Fatalf("%+v, %v", v, err)
	}

	// The authority is withdrawn, by a mirror that has replaced its key.
	old := *r
	var err error
	if _, r.key, err = ed25519.GenerateKey(nil); err != nil {
		t.Fatal(err)
	}
	r.writeRoot(2, old.key, r.key)
	r.publish(2, map[string][]byte{"trusted_root.json": withdrawn})
	if err := update("", ""); err != nil {
		t.Fatal(err)
	}
	o.write("root.json", []byte(stored("trusted_root.json")))
	_, err = o.verify(b, exact)
	fails(err, schema.Unsatisfied, "leaf certificate verification failed")
	rows, err := options.ShowTrust()
	if err != nil || rows[1][0] != "updated from" || rows[1][1] != server.URL || rows[1][3] != r.expires.UTC().Format(time.RFC3339) {
		t.Errorf("%v, %v", rows, err)
	}

	// Older metadata, with the right signatures, brings nothing back.
	good := stored("trusted_root.json")
	r.publish(1, map[string][]byte{"trusted_root.json": first})
	fails(update("", ""), schema.Unsatisfied, "new timestamp version 1 must be >= 2")
	r.publish(3, map[string][]byte{"trusted_root.json": []byte(`{"mediaType": "x"}`)})
	fails(update("", ""), schema.Invalid, "reading trusted_root.json")
	r.expires = time.Now().Add(-time.Minute)
	r.publish(3, map[string][]byte{"trusted_root.json": first})
	fails(update("", ""), schema.Unsatisfied, "timestamp.json is expired")
	r.expires = old.expires
	r.publish(3, map[string][]byte{"trusted_root.json": first})
	targets, err := filepath.Glob(filepath.Join(r.dir, "targets", "*"))
	r.check(err)
	for _, f := range targets {
		r.check(os.WriteFile(f, withdrawn[1:], 0o644))
	}
	fails(update("", ""), schema.Unsatisfied, "length/hash verification error")
	junk := filepath.Join(r.dir, "other.json")
	r.check(os.WriteFile(junk, []byte("{}"), 0o644))
	fails(update("file://"+r.dir, junk), schema.Invalid, "the file of --root is not a TUF root")
	server.Close()
	fails(update("", ""), schema.Unavailable, "updating from mirror")
	if stored("trusted_root.json") != good {
		t.Error("a refused update has changed what is stored")
	}

	// A copy of the mirror in a directory.
	r.publish(4, map[string][]byte{"trusted_root.json": first})
	if err := update("file://"+r.dir, r.rootFile(1)); err != nil {
		t.Fatal(err)
	}
	if stored("trusted_root.json") != string(first) {
		t.Error("the copy's trusted root is not stored")
	}
	// What comes from a file has no mirror.
	o.write("root.json", first)
	if _, err := options.StoreTrust(filepath.Join(o.env.Dir, "root.json"), ""); err != nil {
		t.Fatal(err)
	}
	fails(update("", ""), schema.Invalid, "which mirror the stored trusted root comes from is not known")
}
