package kube

import (
	"context"
	"net/http"
	"net/url"
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// Warnings returns what the cluster has to say against an object, oldest first.
// Without the right to read events there is nothing.
func (c *Client) Warnings(ctx context.Context, kind, namespace, name string) ([]string, error) {
	if err := checkNames(namespace, name); err != nil {
		return nil, err
	}
	var events []corev1.Event
	err := list(ctx, c, request{
		resource: "events in namespace " + namespace,
		path:     []string{"api", "v1", "namespaces", namespace, "events"},
		query:    url.Values{"fieldSelector": {"type=Warning,involvedObject.kind=" + kind + ",involvedObject.name=" + name}},
		accept:   protoType,
	}, func(e *corev1.Event) { events = append(events, *e) })
	if isStatus(err, http.StatusForbidden) {
		return nil, nil
	}
	slices.SortStableFunc(events, func(a, b corev1.Event) int { return a.LastTimestamp.Compare(b.LastTimestamp.Time) })
	var out []string
	for _, e := range events {
		out = append(out, reason(e.Reason, e.Message))
	}
	return out, err
}
