package chartlock

import (
	"context"
	"net/url"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/internal/web"
)

// maxIndex is the longest index of a repository that is read. The largest
// public ones have some 25 MiB.
const maxIndex = 64 << 20 // bytes

// index is index.yaml of a chart repository:
// https://helm.sh/docs/topics/chart_repository/#the-index-file
type index struct {
	at      string             // its address, without secrets
	Entries map[string][]entry `yaml:"entries"`
}

type entry struct {
	Version string   `yaml:"version"`
	Digest  string   `yaml:"digest"`
	URLs    []string `yaml:"urls"`
}

func readIndex(ctx context.Context, c web.Client, repository string) (*index, error) {
	at := repository + "/index.yaml"
	data, err := c.Read(ctx, at, "application/yaml, */*;q=0.1", maxIndex)
	if err != nil {
		return nil, err
	}
	return parseIndex(web.Shown(at), data)
}

func parseIndex(at string, data []byte) (*index, error) {
	x := &index{at: at}
	if err := yaml.Unmarshal(data, x); err != nil {
		return nil, schema.Errorf(schema.Invalid, "%q is not the index of a chart repository: %.200s", at, err)
	}
	if x.Entries == nil {
		return nil, schema.Errorf(schema.Invalid, "%q is not the index of a chart repository: it has no entries", at)
	}
	return x, nil
}

// find returns the entry of a chart in one version.
func (x *index) find(name, version string) (entry, error) {
	all, ok := x.Entries[name]
	if !ok {
		var names []string
		for n := range x.Entries {
			names = append(names, n)
		}
		err := schema.Errorf(schema.NotFound, "%q has no chart %q", x.at, name)
		if n := schema.Nearest(name, names); n != "" {
			return entry{}, err.WithHint("did you mean %s?", n)
		}
		return entry{}, err
	}
	var near []string
	for _, exact := range []bool{true, false} {
		for _, e := range all {
			if e.Version == version || !exact && sameVersion(e.Version, version) {
				return e, nil
			}
		}
	}
	for _, e := range all[:min(len(all), 5)] {
		near = append(near, e.Version)
	}
	return entry{}, schema.Errorf(schema.NotFound, "%q has no version %q of the chart %q", x.at, version, name).
		WithHint("its newest are %s", strings.Join(near, ", "))
}

// digest is the digest that the index states, "" if it states none.
func (e entry) digest() schema.Digest {
	d := schema.Digest("sha256:" + strings.TrimPrefix(strings.ToLower(e.Digest), "sha256:"))
	if _, err := d.Hex(); err != nil {
		return ""
	}
	return d
}

// address is where the archive is. An index behind HTTPS does not lead to plain
// HTTP.
func (e entry) address(repository string) (string, error) {
	if len(e.URLs) == 0 {
		return "", schema.Errorf(schema.Invalid, "the index of %q has no address for it", web.Shown(repository))
	}
	base, err := url.Parse(strings.TrimSuffix(repository, "/") + "/")
	if err != nil {
		return "", schema.Errorf(schema.Invalid, "%q is not a URL", web.Shown(repository))
	}
	to, err := base.Parse(e.URLs[0])
	switch {
	case err != nil:
		return "", schema.Errorf(schema.Invalid, "the index of %q has an address for it that is not a URL", web.Shown(repository))
	case to.Scheme == "oci":
		return to.String(), nil
	case to.Scheme != "https" && to.Scheme != "http", to.Scheme == "http" && base.Scheme == "https":
		return "", schema.Errorf(schema.Invalid, "the index of %q leads to %q", web.Shown(repository), web.Shown(to.String())).
			WithHint("an archive is taken over https:// or oci://, and over http:// from an index that is itself at http://")
	}
	return to.String(), nil
}
