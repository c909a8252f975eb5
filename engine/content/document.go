package content

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
)

// Read reads a document that the store has.
func Read(ctx context.Context, store engine.Store, t engine.Types, a engine.Artifact) (schema.Value, error) {
	data, err := ReadBytes(ctx, store, a)
	if err != nil {
		return nil, err
	}
	return t.Decode(a.MediaType, data)
}

// ReadBytes reads a and checks that it is what was stored.
func ReadBytes(ctx context.Context, store engine.Store, a engine.Artifact) ([]byte, error) {
	r, err := store.Open(ctx, a.Digest)
	if err != nil {
		return nil, err
	}
	data, err := engine.Expected{Digest: a.Digest, Size: a.Size}.Bytes(r)
	if err = errors.Join(err, r.Close()); err == nil {
		return data, nil
	}
	var told *schema.Error
	if errors.As(err, &told) {
		return nil, err
	}
	return nil, schema.Errorf(schema.Failed, "reading %s from the store: %w", a.Digest, err).WithHint("run eidos cache verify")
}

// Write puts v into the store, in its canonical encoding: the same value has the same
// bytes, and so the same digest, on every machine. It returns these bytes too.
func Write(ctx context.Context, store engine.Store, v schema.Value) (engine.Artifact, []byte, error) {
	data, err := schema.Encode(v)
	if err != nil {
		return engine.Artifact{}, nil, err
	}
	d, size, err := store.Put(ctx, bytes.NewReader(data))
	if err != nil {
		return engine.Artifact{}, nil, err
	}
	return engine.Artifact{MediaType: v.MediaType(), Digest: d, Size: size}, data, nil
}

// WriteJSON puts what is not a document of package schema into the store.
func WriteJSON(ctx context.Context, store engine.Blobs, mediaType string, v any) (engine.Artifact, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return engine.Artifact{}, err
	}
	d, size, err := store.Put(ctx, bytes.NewReader(data))
	return engine.Artifact{MediaType: mediaType, Digest: d, Size: size}, err
}

// Verify reads d to its end; a Directory compares it with its digest by that.
func Verify(ctx context.Context, from engine.Blobs, d schema.Digest) error {
	r, err := from.Open(ctx, d)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, Reader{ctx, r})
	return errors.Join(err, r.Close())
}
