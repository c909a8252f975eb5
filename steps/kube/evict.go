package kube

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	policyv1 "k8s.io/api/policy/v1"
)

// Evictable asks whether a Pod could be evicted now. It is a dry run: the Pod
// stays. why is what forbids it: a PodDisruptionBudget, an admission webhook; ""
// if nothing does, and for a Pod that is gone.
func (c *Client) Evictable(ctx context.Context, namespace, pod string) (why string, err error) {
	if err := checkNames(namespace, pod); err != nil {
		return "", err
	}
	r := request{
		method: http.MethodPost, verb: "create", resource: "pods/eviction in namespace " + namespace,
		path:  []string{"api", "v1", "namespaces", namespace, "pods", pod, "eviction"},
		query: url.Values{"dryRun": {"All"}}, accept: jsonType, content: jsonType,
		body: []byte(`{"apiVersion":"policy/v1","kind":"Eviction","metadata":{"namespace":"` + namespace + `","name":"` + pod + `"},"deleteOptions":{"dryRun":["All"]}}`),
	}
	err = c.retry(ctx, func(ctx context.Context) error {
		_, err := c.once(ctx, r)
		var s *statusError
		if errors.As(err, &s) && (s.code == http.StatusNotFound || forbids(s, &why)) {
			return nil
		}
		return err
	})
	if err != nil {
		return "", c.explain(r, err)
	}
	return why, nil
}

// forbids reports whether an answer is a decision about the Pod, and sets why. A
// server that is too busy answers with the same status as a budget.
func forbids(s *statusError, why *string) bool {
	if d := s.status.Details; d != nil {
		for _, cause := range d.Causes {
			if cause.Type == policyv1.DisruptionBudgetCause {
				*why = firstLine(cause.Message)
				return true
			}
		}
	}
	if strings.Contains(s.status.Message, "more than one PodDisruptionBudget") || strings.HasPrefix(s.status.Message, "admission webhook") {
		*why = firstLine(s.status.Message)
		return true
	}
	return false
}
