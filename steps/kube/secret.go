package kube

import (
	"context"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/NVIDIA/eidos/schema"
)

// mostSecret bounds a secret's value, in bytes; the API server takes no more in
// a whole Secret.
const mostSecret = 1 << 20

// secret is a Kubernetes Secret. It has no String, and its data is printed
// nowhere.
type secret struct {
	Data map[string][]byte `json:"data"`
}

// ReadSecret returns one key of a Secret, without newlines at its end. at is
// NAMESPACE/NAME/KEY. What it takes is the right to get that one Secret.
// NotFound if there is no such Secret or key; Unauthorized without the right.
func ReadSecret(ctx context.Context, cfg Config, at string) (string, error) {
	namespace, rest, _ := strings.Cut(at, "/")
	name, key, _ := strings.Cut(rest, "/")
	if !dnsLabel.MatchString(namespace) || !dnsName.MatchString(name) || len(name) > 253 || key == "" || strings.Contains(key, "/") {
		return "", schema.Errorf(schema.Invalid, "%q does not name a key of a Secret", at).WithHint("write NAMESPACE/NAME/KEY")
	}
	c, err := Connect(cfg)
	if err != nil {
		return "", err
	}
	defer c.Close()
	var s secret
	what := "secrets " + name + " in namespace " + namespace
	if err := c.get(ctx, what, &s, "api", "v1", "namespaces", namespace, "secrets", name); err != nil {
		return "", err
	}
	value, ok := s.Data[key]
	switch {
	case !ok && len(s.Data) == 0:
		return "", schema.Errorf(schema.NotFound, "Secret %s/%s holds nothing", namespace, name)
	case !ok:
		return "", schema.Errorf(schema.NotFound, "Secret %s/%s has no key %q", namespace, name, key).
			WithHint("its keys are %s", strings.Join(slices.Sorted(maps.Keys(s.Data)), ", "))
	case len(value) > mostSecret:
		return "", schema.Errorf(schema.Invalid, "Secret %s/%s: %s is over %d MiB", namespace, name, key, mostSecret>>20)
	case !utf8.Valid(value):
		return "", schema.Errorf(schema.Invalid, "Secret %s/%s: %s is not text", namespace, name, key)
	}
	text := strings.TrimRight(string(value), "\r\n")
	if text == "" {
		return "", schema.Errorf(schema.NotFound, "Secret %s/%s: %s is empty", namespace, name, key)
	}
	return text, nil
}
