package kube

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// pageSize is how many objects are asked for at once. Memory is bounded by one
// page, whatever the cluster holds.
const pageSize = 500

// object is a pointer to a Kubernetes type that reads its protobuf form.
type object[T any] interface {
	*T
	Unmarshal([]byte) error
}

// list gives each every object of the collection that r names, page by page. The
// object is valid only during the call. Where the server cannot tell the rest of
// the list as of the first page any more, it goes on with what is there now.
func list[T any, P object[T]](ctx context.Context, c *Client, r request, each func(*T)) error {
	r.method, r.verb = http.MethodGet, "list"
	if r.accept == "" {
		r.accept = acceptObjects
	}
	q := url.Values{}
	for k, v := range r.query {
		q[k] = v
	}
	if !q.Has("limit") {
		q.Set("limit", fmt.Sprint(c.page))
	}
	r.query = q
	for page := 1; ; page++ {
		resp, err := c.do(ctx, r)
		if next := expired(err); next != "" {
			q.Set("continue", next)
			continue
		}
		if err != nil && page > 1 {
			return fmt.Errorf("page %d: %w", page, err)
		}
		if err != nil {
			return err
		}
		next, err := readPage[T, P](resp, each)
		if err != nil {
			return fmt.Errorf("reading page %d of %s: %w", page, r.resource, err)
		}
		if next == "" {
			return nil
		}
		q.Set("continue", next)
	}
}

// expired returns the token to go on with when the one that was sent is too
// old: 410 Gone carries one for the present state of the list.
func expired(err error) string {
	var s *statusError
	if errors.As(err, &s) && s.code == http.StatusGone {
		return s.status.Continue
	}
	return ""
}

// readPage reads one page and returns the token of the next, "" at the end.
func readPage[T any, P object[T]](resp response, each func(*T)) (string, error) {
	if strings.HasPrefix(resp.content, protoType) {
		return readProtoPage[T, P](resp.body, each)
	}
	var page struct {
		Metadata metav1.ListMeta
		Items    []T
	}
	if err := json.Unmarshal(resp.body, &page); err != nil {
		return "", err
	}
	for i := range page.Items {
		each(&page.Items[i])
	}
	return page.Metadata.Continue, nil
}

// readProtoPage reads a list in the API's protobuf: "k8s\0", then a
// runtime.Unknown whose field 2 is the list. Every list type has its metadata
// in field 1 and its items in field 2, so that items are decoded one by one and
// no list is ever built.
func readProtoPage[T any, P object[T]](body []byte, each func(*T)) (string, error) {
	raw, err := unwrap(body)
	if err != nil {
		return "", err
	}
	var meta metav1.ListMeta
	err = fields(raw, func(num protowire.Number, data []byte) error {
		switch num {
		case 1:
			return meta.Unmarshal(data)
		case 2:
			var item T
			if err := P(&item).Unmarshal(data); err != nil {
				return err
			}
			each(&item)
		}
		return nil
	})
	return meta.Continue, err
}

// unwrap returns the message inside the envelope of the API's protobuf.
func unwrap(body []byte) ([]byte, error) {
	rest, ok := strings.CutPrefix(string(body[:min(4, len(body))]), "k8s\x00")
	if !ok || rest != "" {
		return nil, errors.New("not in the API's protobuf form")
	}
	var raw []byte
	err := fields(body[4:], func(num protowire.Number, data []byte) error {
		if num == 2 {
			raw = data
		}
		return nil
	})
	return raw, err
}

// fields calls f with every length-delimited field of a message.
func fields(msg []byte, f func(protowire.Number, []byte) error) error {
	for len(msg) > 0 {
		num, typ, n := protowire.ConsumeTag(msg)
		if n < 0 {
			return protowire.ParseError(n)
		}
		msg = msg[n:]
		if typ != protowire.BytesType {
			if n = protowire.ConsumeFieldValue(num, typ, msg); n < 0 {
				return protowire.ParseError(n)
			}
			msg = msg[n:]
			continue
		}
		data, n := protowire.ConsumeBytes(msg)
		if n < 0 {
			return protowire.ParseError(n)
		}
		if err := f(num, data); err != nil {
			return err
		}
		msg = msg[n:]
	}
	return nil
}
