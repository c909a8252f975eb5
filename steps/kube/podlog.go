package kube

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/url"

	"github.com/NVIDIA/eidos/schema"
)

// logLimit bounds one line of a log, in bytes; a document's lines are shorter.
const logLimit = 1 << 20

// PodLog gives every line of a Pod's log to each, without its end. With follow
// it goes on until the container ends. Progress that a carriage return begins again
// is a line each time. Lines over 1 MiB are an error.
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
	s.Split(logLine)
	for s.Scan() {
		each(s.Text())
	}
	if s.Err() != nil {
		return schema.Errorf(schema.Unavailable, "reading the log of %s: %w", pod, s.Err())
	}
	return nil
}

// logLine is a bufio.SplitFunc: a line ends with \n, \r\n or \r.
func logLine(data []byte, atEOF bool) (advance int, line []byte, err error) {
	i := bytes.IndexAny(data, "\r\n")
	switch {
	case i < 0 && atEOF && len(data) > 0:
		return len(data), data, nil
	case i < 0, data[i] == '\r' && i == len(data)-1 && !atEOF: // \n may follow
		return 0, nil, nil
	case data[i] == '\r' && i < len(data)-1 && data[i+1] == '\n':
		return i + 2, data[:i], nil
	}
	return i + 1, data[:i], nil
}
