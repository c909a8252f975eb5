package trace

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/NVIDIA/eidos/steps/retry"
)

const (
	batch    = 2000    // spans a request; about 1 MB
	maxReply = 4 << 10 // bytes that are read of an answer
)

// Close sends the spans of the run. It takes no longer than
// OTEL_EXPORTER_OTLP_TIMEOUT, also when ctx has ended: the trace of a run that was
// stopped is the one that somebody will want to see. Steps that had not ended are left
// out. What a request could not send, later ones do not try either.
func (x *Exporter) Close(ctx context.Context) error {
	if x == nil || len(x.ended) == 0 {
		return nil
	}
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), x.timeout)
	defer stop()
	client := x.client()
	defer client.CloseIdleConnections()
	for spans := range slices.Chunk(x.ended, batch) {
		body, err := x.encode(spans)
		if err == nil {
			err = x.post(ctx, client, body)
		}
		if err != nil {
			return fmt.Errorf("exporting traces: %w", err)
		}
	}
	return nil
}

// encode is one request's body.
func (x *Exporter) encode(spans []*tracepb.Span) ([]byte, error) {
	m := x.message(spans)
	var body []byte
	var err error
	if x.json {
		body, err = inJSON(m)
	} else {
		body, err = proto.Marshal(m)
	}
	if err != nil || !x.gzip {
		return body, err
	}
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err = z.Write(body)
	err = errors.Join(err, z.Close())
	return b.Bytes(), err
}

// inJSON is protobuf's JSON but for what OTLP has another way: ids are in
// hexadecimal, and enumerations are numbers. See
// https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
func inJSON(m *tracepb.TracesData) ([]byte, error) {
	data, err := protojson.MarshalOptions{UseEnumNumbers: true}.Marshal(m)
	if err != nil {
		return nil, err
	}
	var v any
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	if err := inHex(v); err != nil {
		return nil, err
	}
	return json.Marshal(v)
}

// inHex rewrites the ids in a decoded document from base64 to hexadecimal, in place.
func inHex(v any) error {
	var errs []error
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			errs = append(errs, inHex(e))
		}
	case map[string]any:
		for k, e := range v {
			s, isText := e.(string)
			if !isText || k != "traceId" && k != "spanId" && k != "parentSpanId" {
				errs = append(errs, inHex(e))
				continue
			}
			raw, err := base64.StdEncoding.DecodeString(s)
			errs = append(errs, err)
			v[k] = hex.EncodeToString(raw)
		}
	}
	return errors.Join(errs...)
}

// post sends one request, and again after failures that pass, as the
// specification lists them, within the budget that every request has.
func (x *Exporter) post(ctx context.Context, client *http.Client, body []byte) error {
	budget := retry.Default().Budget()
	for {
		began := time.Now()
		wait, err := x.once(ctx, client, body)
		budget.Spend(time.Since(began))
		if err == nil || wait < 0 || !budget.Next(ctx, "the receiver of traces fails", wait) {
			return err
		}
	}
}

// once makes one attempt. wait is how long the receiver asks to be left alone,
// negative if another attempt is no use.
func (x *Exporter) once(ctx context.Context, client *http.Client, body []byte) (wait time.Duration, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, x.endpoint, bytes.NewReader(body))
	if err != nil {
		return -1, err
	}
	req.Header = x.headers.Clone()
	req.Header.Set("Content-Type", "application/x-protobuf")
	if x.json {
		req.Header.Set("Content-Type", "application/json")
	}
	if x.gzip {
		req.Header.Set("Content-Encoding", "gzip")
	}
	req.Header.Set("User-Agent", "eidos/"+x.version)
	resp, err := client.Do(req)
	if err != nil {
		var ue *url.Error
		if errors.As(err, &ue) {
			err = ue.Err // without the address: it may hold a key
		}
		return 0, fmt.Errorf("%s: %w", req.URL.Host, err)
	}
	defer resp.Body.Close()
	// Read, so that the connection can be used again; what it says is not shown.
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxReply))
	err = fmt.Errorf("%s answered %s", req.URL.Host, resp.Status)
	switch resp.StatusCode {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return retry.After(resp.Header), err
	}
	if resp.StatusCode/100 == 2 {
		return 0, nil
	}
	return -1, err
}
