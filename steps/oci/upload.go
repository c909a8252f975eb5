package oci

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/NVIDIA/eidos/steps/retry"
)

// upload stores a blob unless it is there. A transfer that broke off is begun
// anew, as a new upload: how much of the old one arrived is not known. Its
// tries are one budget with those that the transport makes when the registry
// refuses to take the bytes.
func (r *Repository) upload(ctx context.Context, l v1.Layer) error {
	if r.network == nil { // in this process nothing passes by itself
		return r.explainUpload(remote.WriteLayer(r.repo, l, r.with(ctx)...))
	}
	b := r.network.Policy.Budget()
	ctx = retry.Share(ctx, b)
	for {
		err := remote.WriteLayer(r.repo, l, r.with(ctx)...)
		why := brokenTransfer(err)
		if why == "" || !b.Next(ctx, why, 0) {
			return r.explainUpload(err)
		}
	}
}

func (r *Repository) explainUpload(err error) error {
	if err == nil {
		return nil
	}
	return r.explain("writing to", r.repo, err)
}

// brokenTransfer says why the transfer of an upload's bytes, and no other
// request, failed for the moment; "" if that is not what happened.
func brokenTransfer(err error) string {
	var te *transport.Error
	var ue *url.Error
	switch {
	case errors.As(err, &te):
		if te.Request == nil || te.Request.Method != http.MethodPatch {
			return ""
		}
		// 416: another part than the one that was sent is expected.
		if retry.PassingStatus(te.StatusCode) || te.StatusCode == http.StatusRequestedRangeNotSatisfiable {
			return fmt.Sprintf("registry answers %d", te.StatusCode)
		}
	case errors.As(err, &ue) && ue.Op == "Patch" && retry.Passing(ue.Err):
		return "the upload broke off"
	}
	return ""
}

// meter reports how much of an artefact is stored. All of it is reported only
// when the registry has confirmed all of it. It is safe for concurrent use.
type meter struct {
	report func(done, total int64, unit string) // may be nil

	mu    sync.Mutex
	total int64             // bytes
	sent  map[v1.Hash]int64 // bytes of blobs that are under way
	there int64             // bytes of what is stored
}

func newMeter(a *artifact, report func(done, total int64, unit string)) *meter {
	m := &meter{report: report, total: int64(len(a.raw)), sent: map[v1.Hash]int64{}}
	for _, c := range a.blobs {
		m.total += c.desc.Size
	}
	return m
}

// change applies f and reports.
func (m *meter) change(f func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f()
	done := m.there
	for _, n := range m.sent {
		done += n
	}
	if m.report != nil {
		m.report(min(done, m.total), m.total, "bytes pushed")
	}
}

// stored adds a blob or manifest that the registry has.
func (m *meter) stored(d v1.Descriptor) {
	m.change(func() { delete(m.sent, d.Digest); m.there += d.Size })
}

// again takes back what is not stored: something is tried again.
func (m *meter) again() { m.change(func() { clear(m.sent) }) }

// measured is a blob whose transfer m reports.
type measured struct {
	layerContent
	meter *meter
}

func (c measured) Compressed() (io.ReadCloser, error) {
	rc, err := c.layerContent.Compressed()
	if err != nil {
		return nil, err
	}
	c.meter.change(func() { c.meter.sent[c.desc.Digest] = 0 })
	return &sending{rc, c}, nil
}

func (c measured) Uncompressed() (io.ReadCloser, error) { return c.Compressed() }

type sending struct {
	io.ReadCloser
	of measured
}

func (r *sending) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	m, d := r.of.meter, r.of.desc.Digest
	m.change(func() { m.sent[d] = max(0, min(m.sent[d]+int64(n), r.of.desc.Size-1)) })
	return n, err
}
