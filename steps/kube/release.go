package kube

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/collect"
)

// maxRelease bounds one release when it is unpacked, in bytes: a Secret holds
// 1 MiB, text in it shrinks to a tenth.
const maxRelease = 64 << 20

// releases reads the Helm releases: NAME.NAMESPACE to CHART-VERSION, STATUS, and
// for each chart that a release's chart depends on NAME.NAMESPACE/PART.
//
// Helm keeps every revision of a release in a Secret with labels that say whose
// it is. The labels of all are listed without the Secrets; then the latest of
// each is read, since only it knows the chart. Of what is in it, values among
// them, nothing but the chart's names and versions is kept. The verb is always
// list, so that one right is enough. Releases that Helm was told to keep in
// ConfigMaps or a database are not seen.
func (c *Client) releases(ctx context.Context) (collect.Reading, error) {
	data := map[string]schema.Scalar{}
	var notes []string
	err := c.eachRelease(ctx, "", func(namespace, name string, stored []byte) {
		if err := releaseData(data, name+"."+namespace, stored); err != nil {
			notes = append(notes, fmt.Sprintf("%s.%s: %s", name, namespace, err))
		}
	})
	if err != nil {
		return collect.Reading{}, err
	}
	out := reading("release", data)
	out.Note = strings.Join(notes, "; ")
	return out, nil
}

// eachRelease passes the latest revision of every release to each, in order of
// namespace and name; "" is every namespace.
func (c *Client) eachRelease(ctx context.Context, namespace string, each func(namespace, name string, stored []byte)) error {
	type id struct{ namespace, name string }
	latest := map[id]int{}
	secrets := func(namespace string) ([]string, string) {
		if namespace == "" {
			return []string{"api", "v1", "secrets"}, "secrets"
		}
		return []string{"api", "v1", "namespaces", namespace, "secrets"}, "secrets in namespace " + namespace
	}
	path, what := secrets(namespace)
	r := request{resource: what, path: path, accept: acceptMetadata, query: url.Values{"labelSelector": {"owner=helm"}}}
	err := list(ctx, c, r, func(m *metav1.PartialObjectMetadata) {
		rev, err := strconv.Atoi(m.Labels["version"])
		if k := (id{m.Namespace, m.Labels["name"]}); err == nil && k.name != "" && rev > latest[k] {
			latest[k] = rev
		}
	})
	if err != nil {
		return err
	}
	for _, k := range slices.SortedFunc(maps.Keys(latest), func(a, b id) int {
		return cmp.Or(cmp.Compare(a.namespace, b.namespace), cmp.Compare(a.name, b.name))
	}) {
		path, what := secrets(k.namespace)
		r := request{resource: what, path: path,
			query: url.Values{"labelSelector": {fmt.Sprintf("owner=helm,name=%s,version=%d", k.name, latest[k])}, "limit": {"1"}}}
		err := list(ctx, c, r, func(s *corev1.Secret) { each(k.namespace, k.name, s.Data["release"]) })
		if err != nil {
			return err
		}
	}
	return nil
}

// helmRelease is what is read of a release, in Helm's storage format v1.
type helmRelease struct {
	Info  struct{ Status string }
	Chart struct {
		Metadata struct {
			Name, Version string
			// Helm removes the disabled ones before it stores a release, and
			// renames those that have an alias.
			Dependencies []helmDependency
		}
		// Lock has the exact version of what metadata may give a range for.
		Lock struct{ Dependencies []helmDependency }
	}
}

type helmDependency struct{ Name, Version, Alias string }

// dependencies are the charts within the release's chart, with exact versions.
func (r *helmRelease) dependencies() []helmDependency {
	var out []helmDependency
	for _, d := range r.Chart.Metadata.Dependencies {
		for _, l := range r.Chart.Lock.Dependencies {
			if l.Name == d.Name {
				d.Version = l.Version
			}
		}
		out = append(out, d)
	}
	return out
}

// releaseData adds what one stored release says to data.
func releaseData(data map[string]schema.Scalar, key string, stored []byte) error {
	r, err := unpackRelease(stored, maxRelease)
	if err != nil {
		return err
	}
	if r.Info.Status == "uninstalled" {
		return nil // helm uninstall --keep-history
	}
	data[key] = r.Chart.Metadata.Name + "-" + r.Chart.Metadata.Version + ", " + r.Info.Status
	for _, d := range r.dependencies() {
		data[key+"/"+cmp.Or(d.Alias, d.Name)] = d.Name + "-" + d.Version + ", " + r.Info.Status
	}
	return nil
}

// unpackRelease reads base64 of gzip of at most limit bytes of JSON.
func unpackRelease(stored []byte, limit int64) (*helmRelease, error) {
	zr, err := gzip.NewReader(base64.NewDecoder(base64.StdEncoding, bytes.NewReader(stored)))
	if err != nil {
		return nil, fmt.Errorf("not a Helm release: %w", err)
	}
	text, err := io.ReadAll(io.LimitReader(zr, limit+1))
	if err != nil {
		return nil, fmt.Errorf("unpacking a Helm release: %w", err)
	}
	if int64(len(text)) > limit {
		return nil, fmt.Errorf("a Helm release is over %d bytes unpacked", limit)
	}
	var r helmRelease
	if err := json.Unmarshal(text, &r); err != nil {
		return nil, fmt.Errorf("reading a Helm release: %w", err)
	}
	return &r, nil
}
