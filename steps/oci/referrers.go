package oci

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/NVIDIA/eidos/schema"
)

// Limits of a list of referrers. Anyone who may push can add to it.
const (
	maxListing  = 64 << 20 // bytes of all pages
	maxPages    = 1000
	maxWarnings = 10
)

// Referrers returns the manifests that have d as their subject, sorted by digest,
// without their annotations, and what the list lacks: entries that cannot be read
// and what the registry warns of. No referrers is not an error; a registry that
// does not list them is one.
func (r *Repository) Referrers(ctx context.Context, d schema.Digest) (descs []v1.Descriptor, warnings []string, err error) {
	list := &listing{}
	index, err := remote.Referrers(r.digest(d), r.with(context.WithValue(ctx, listingKey{}, list))...)
	if err != nil {
		return nil, nil, r.explain("listing the referrers of", r.digest(d), err)
	}
	raw, err := index.RawManifest()
	if err != nil {
		return nil, nil, r.explain("listing the referrers of", r.digest(d), err)
	}
	entries, err := readPage(raw)
	if err != nil {
		return nil, nil, schema.Errorf(schema.Invalid, "listing the referrers of %q: %w", r.At(d), err)
	}
	for _, e := range entries {
		desc, err := readEntry(e)
		if err != nil {
			list.warn(fmt.Sprintf("an entry cannot be read: %v", err))
			continue
		}
		descs = append(descs, desc)
	}
	slices.SortStableFunc(descs, func(a, b v1.Descriptor) int { return cmp.Compare(a.Digest.Hex, b.Digest.Hex) })
	descs = slices.CompactFunc(descs, func(a, b v1.Descriptor) bool {
		return a.Digest == b.Digest && a.Size == b.Size && a.ArtifactType == b.ArtifactType
	})
	if list.left > 0 {
		list.warnings = append(list.warnings, fmt.Sprintf("… and %d more", list.left))
	}
	for _, w := range list.warnings {
		warnings = append(warnings, fmt.Sprintf("the list of what refers to %q: %s", r.At(d), w))
	}
	return descs, warnings, nil
}

// listing marks the requests of a context as those for one list of referrers.
type listing struct {
	warnings []string
	left     int // warnings that are not kept
}

type listingKey struct{}

func listingOf(req *http.Request) *listing {
	l, _ := req.Context().Value(listingKey{}).(*listing)
	return l
}

func (l *listing) warn(s string) {
	if len(l.warnings) == maxWarnings {
		l.left++
		return
	}
	s = strings.Map(func(c rune) rune { // it may come from the registry
		if c < ' ' || c == 0x7f {
			return '?'
		}
		return c
	}, s)
	l.warnings = append(l.warnings, schema.Safe(s))
}

// readPage returns the entries of an index, not read themselves: one that is
// malformed must not hide the others.
func readPage(raw []byte) ([]json.RawMessage, error) {
	var page struct {
		Manifests []json.RawMessage `json:"manifests"`
	}
	if err := json.Unmarshal(raw, &page); err != nil {
		return nil, fmt.Errorf("it is not an index: %w", err)
	}
	return page.Manifests, nil
}

func readEntry(raw json.RawMessage) (v1.Descriptor, error) {
	var e struct {
		MediaType    types.MediaType `json:"mediaType"`
		Digest       string          `json:"digest"`
		Size         int64           `json:"size"`
		ArtifactType string          `json:"artifactType"`
	}
	if err := json.Unmarshal(raw, &e); err != nil {
		return v1.Descriptor{}, fmt.Errorf("%.80q is not a descriptor", raw)
	}
	digest, err := parseDigest(e.Digest)
	if err != nil {
		return v1.Descriptor{}, fmt.Errorf("%q is not a SHA-256 digest", e.Digest)
	}
	if e.Size < 0 {
		return v1.Descriptor{}, fmt.Errorf("%s states %d bytes", e.Digest, e.Size)
	}
	return v1.Descriptor{MediaType: e.MediaType, Digest: digest, Size: e.Size, ArtifactType: e.ArtifactType}, nil
}

// paged makes one answer of all pages of a list of referrers: the library above
// reads the first one only.
type paged struct{ inner http.RoundTripper }

func (p paged) RoundTrip(req *http.Request) (*http.Response, error) {
	list := listingOf(req)
	if list == nil || req.Method != http.MethodGet || !strings.Contains(req.URL.Path, "/referrers/") {
		return p.inner.RoundTrip(req)
	}
	var entries []json.RawMessage
	left := int64(maxListing)
	for page, seen := 1, map[string]bool{}; ; page++ {
		seen[req.URL.String()] = true
		resp, err := p.inner.RoundTrip(req)
		if err != nil {
			return nil, err
		}
		kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
		if resp.StatusCode != http.StatusOK || kind != string(types.OCIImageIndex) {
			// On the first page: no such API. Above, a login may have expired.
			if page == 1 || resp.StatusCode == http.StatusUnauthorized {
				return resp, nil
			}
			resp.Body.Close()
			return nil, pageError(schema.Unavailable, page, "the registry answered %s, %q", resp.Status, kind)
		}
		raw, err := io.ReadAll(io.LimitReader(resp.Body, left+1))
		resp.Body.Close()
		if err != nil {
			return nil, err
		}
		if left -= int64(len(raw)); left < 0 {
			return nil, pageError(schema.Invalid, page, "the list has more than %d MiB", maxListing>>20)
		}
		more, err := readPage(raw)
		if err != nil {
			return nil, pageError(schema.Invalid, page, "%w", err)
		}
		entries = append(entries, more...)
		for _, w := range resp.Header.Values("Warning") {
			list.warn(strings.TrimSuffix(strings.TrimPrefix(w, `299 - "`), `"`))
		}
		next, ok := nextPage(resp.Header)
		if !ok {
			return answered(resp, entries)
		}
		// The header has the login for this registry.
		to, err := req.URL.Parse(next)
		switch {
		case err != nil || to.Scheme != req.URL.Scheme || to.Host != req.URL.Host:
			return nil, pageError(schema.Invalid, page, "the next one is at %q, not in this registry", next)
		case seen[to.String()]:
			return nil, pageError(schema.Invalid, page, "the next one was read already")
		case page == maxPages:
			return nil, pageError(schema.Invalid, page, "at most %d pages are read", maxPages)
		}
		req = req.Clone(req.Context())
		req.URL = to
	}
}

func pageError(code schema.Code, page int, format string, args ...any) error {
	return schema.Errorf(code, "listing referrers, page %d: "+format, append([]any{page}, args...)...)
}

// answered is the last answer with the entries of all.
func answered(resp *http.Response, entries []json.RawMessage) (*http.Response, error) {
	raw, err := json.Marshal(map[string]any{"schemaVersion": 2, "mediaType": types.OCIImageIndex, "manifests": entries})
	if err != nil {
		return nil, err
	}
	out := *resp
	out.Header = http.Header{"Content-Type": {string(types.OCIImageIndex)}}
	out.Body, out.ContentLength = io.NopCloser(bytes.NewReader(raw)), int64(len(raw))
	return &out, nil
}

// nextPage is where the page after this one is, relative to it: the link with
// rel="next" (RFC 8288).
func nextPage(h http.Header) (string, bool) {
	for _, v := range h.Values("Link") {
		for {
			_, after, ok := strings.Cut(v, "<")
			if !ok {
				break
			}
			target, params, ok := strings.Cut(after, ">")
			if !ok {
				break
			}
			params, v, _ = strings.Cut(params, "<") // the next link
			for p := range strings.FieldsFuncSeq(params, func(r rune) bool { return r == ';' || r == ',' }) {
				key, value, _ := strings.Cut(strings.TrimSpace(p), "=")
				if strings.EqualFold(key, "rel") && strings.EqualFold(strings.Trim(value, `"`), "next") {
					return target, true
				}
			}
			v = "<" + v
		}
	}
	return "", false
}

// answerReferrers sends descriptors in pages of half a manifest's size, as clients
// take no more than one; unreadable are manifests of which it is not known whether
// they belong to the list.
func answerReferrers(w http.ResponseWriter, r *http.Request, descs []v1.Descriptor, unreadable []error) error {
	if last := r.URL.Query().Get("last"); last != "" {
		descs = slices.DeleteFunc(descs, func(d v1.Descriptor) bool { return d.Digest.String() <= last })
	}
	for i, err := range unreadable {
		if i == maxWarnings {
			break
		}
		w.Header().Add("Warning", `299 - "`+strings.ReplaceAll(schema.Safe(err.Error()), `"`, "'")+`"`)
	}
	size := 0
	for i, d := range descs {
		raw, err := json.Marshal(d)
		if err != nil {
			return err
		}
		if size += len(raw); size > maxManifest/2 && i > 0 {
			query := r.URL.Query()
			query.Set("last", descs[i-1].Digest.String())
			next := url.URL{Path: r.URL.Path, RawQuery: query.Encode()}
			w.Header().Set("Link", "<"+next.String()+`>; rel="next"`)
			descs = descs[:i]
			break
		}
	}
	return answer(w, string(types.OCIImageIndex), v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex, Manifests: descs})
}
