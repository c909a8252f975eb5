package kube

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"net/url"

	"github.com/NVIDIA/eidos/schema"
)

// logLimit bounds one line of a log, in bytes; a document's lines are shorter.
const logLimit = 1 << 20

// PodLog gives every line of a Pod's log to each, without its end. With follow
// it goes on until the container ends. Lines over 1 MiB are an error.
func (c *Client) PodLog(ctx context.Context, namespace, pod string, follow bool, each func(line string)) error {
	if err := checkNames(namespace, pod); err != nil {
		return err
	}
	r := request{
		method: http.MethodGet, verb: "get", resource: "pods/log in namespace " + namespace,
		path:  []string{"api", "v1", "namespaces", namespace, "pods", pod, "log"},
		query: url.Values{"follow": {fmt.Sprint(follow)}}, accept: "*/*",
	}
	if !follow { // it is there as a whole
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.retries.Limit)
		defer cancel()
	}
	resp, err := c.open(ctx, r)
	if err != nil {
		return c.explain(r, err)
	}
	defer resp.Body.Close()
	s := bufio.NewScanner(resp.Body)
	s.Buffer(nil, logLimit)
	for s.Scan() {
		each(s.Text())
	}
	if s.Err() != nil {
		return schema.Errorf(schema.Unavailable, "reading the log of %s: %w", pod, s.Err())
	}
	return nil
}
