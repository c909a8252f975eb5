package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/NVIDIA/eidos/cmd/internal/wire"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/userfile"
	"github.com/NVIDIA/eidos/steps/sign"
)

// Who signs releases: the workflow of the tag. The tag is that of this version, so that a
// signed release of another version does not prove this program.
const (
	releaseIssuer   = "https://token.actions.githubusercontent.com"
	releaseWorkflow = "https://github.com/NVIDIA/eidos/.github/workflows/on-tag.yml@refs/tags/"
)

// evidenceSize bounds the files of a release that are read, in bytes.
const evidenceSize = 8 << 20

// verifySelf proves that this program is one of the binaries of a release whose evidence
// is in dir: checksums.txt is signed, lists provenance.json, and that names this version
// and a binary of this digest. It needs no network. Each link is checked before the next
// is believed: signature → checksums.txt → provenance.json → binary.
//
// A program that was replaced can print what it likes; this proves something to whoever
// trusts the program that runs, or runs another copy of eidos that is known to be good.
func (a *app) verifySelf(ctx context.Context, dir, key string) error {
	list := filepath.Join(dir, "checksums.txt")
	s := newStage("verify", "verify")
	s.With = map[string]any{"file": list, "signatures": sign.SignaturesPath(list)}
	if key != "" {
		s.With["key"] = key
	} else {
		s.With["certificateIdentity"], s.With["certificateOidcIssuer"] = releaseWorkflow+versionOf(), releaseIssuer
	}
	// Checked here for the hint: the step would report the first file that it cannot
	// read.
	for _, name := range []string{list, sign.SignaturesPath(list)} {
		if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) {
			return schema.Errorf(schema.NotFound, "the evidence of a release has %s", name).
				WithHint("download checksums.txt, checksums.txt.sigstore.json and provenance.json of the release to %s", dir)
		}
	}
	v, err := a.runStage(ctx, s)
	if err != nil {
		return err
	}
	self, digest, err := wire.ThisProgram()
	if err != nil {
		return err
	}
	name, err := findBinary(dir, v.(*schema.Verification).Digest, versionOf(), digest)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.Out, "verified %s, %s\n  ok      it is %s of release %s\n  ok      the release is signed by %s\n",
		self, digest, name, versionOf(), strings.Join(v.(*schema.Verification).Signers, ", "))
	return err
}

// findBinary returns the name that the provenance in dir has for a binary. Unsatisfied if
// it is of another version, or has none of that digest. signed is the digest of the
// checksums.txt whose signature was verified: the file is read once more here, and
// whoever can write to dir may have replaced it since.
func findBinary(dir string, signed schema.Digest, version string, digest schema.Digest) (string, error) {
	list, err := readSigned(filepath.Join(dir, "checksums.txt"), evidenceSize, signed)
	if err != nil {
		return "", fmt.Errorf("reading the evidence of a release: %w", err)
	}
	path := filepath.Join(dir, "provenance.json")
	text, err := userfile.Read(path, evidenceSize)
	if err != nil {
		return "", fmt.Errorf("reading the evidence of a release: %w", err)
	}
	sum, err := schema.DigestOf(text).Hex()
	if err != nil {
		return "", err
	}
	// The format of sha256sum, two spaces; whole lines, so that no other name ends the
	// same.
	if !bytes.Contains(append([]byte("\n"), list...), []byte("\n"+sum+"  provenance.json\n")) {
		return "", schema.Errorf(schema.Unsatisfied, "%q is not the file that checksums.txt lists", path)
	}
	var statement struct {
		Subject []struct {
			Name   string            `json:"name"`
			Digest map[string]string `json:"digest"`
		} `json:"subject"`
		Predicate struct {
			BuildDefinition struct {
				ExternalParameters struct {
					Version string `json:"version"`
				} `json:"externalParameters"`
			} `json:"buildDefinition"`
		} `json:"predicate"`
	}
	if err := json.Unmarshal(text, &statement); err != nil {
		return "", schema.Errorf(schema.Invalid, "reading %q: %w", path, err)
	}
	// The identity of a certificate names the tag, but a --key does not: it is compared
	// here.
	if released := statement.Predicate.BuildDefinition.ExternalParameters.Version; released != version {
		return "", schema.Errorf(schema.Unsatisfied, "the evidence is of release %q, and this is version %q", released, version)
	}
	for _, s := range statement.Subject {
		if schema.Digest("sha256:"+s.Digest["sha256"]) == digest {
			return s.Name, nil
		}
	}
	return "", schema.Errorf(schema.Unsatisfied, "no binary of release %s has the digest of this one, %s", version, digest).
		WithHint("it was changed, or built by somebody else: install the release again")
}

// readSigned returns the content of a file whose signature was verified: what is used has
// the digest that was signed. Unsatisfied if the file was changed in between.
func readSigned(path string, limit int64, signed schema.Digest) ([]byte, error) {
	text, err := userfile.Read(path, limit)
	if err != nil {
		return nil, err
	}
	if schema.DigestOf(text) != signed {
		return nil, schema.Errorf(schema.Unsatisfied, "%q was changed after its signature was verified", path)
	}
	return text, nil
}
