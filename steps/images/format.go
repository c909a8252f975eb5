package images

import (
	"bytes"
	"maps"
	"slices"
	"strings"

	"github.com/NVIDIA/eidos/schema"
)

// format is one way to write an image list.
type format struct {
	name  string
	write func(*schema.ImageList) ([]byte, error)
}

func formats() []format {
	return []format{
		{"text", text},
		{"json", func(l *schema.ImageList) ([]byte, error) { return schema.EncodeIndent(l) }},
		{"yaml", func(l *schema.ImageList) ([]byte, error) { return schema.EncodeYAML(l) }},
		{"cyclonedx", cycloneDX},
		{"spdx", spdx},
		{"hauler", hauler},
		{"zarf", zarf},
	}
}

// Formats lists what Write writes.
func Formats() []string {
	var out []string
	for _, f := range formats() {
		out = append(out, f.name)
	}
	return out
}

// Write writes a list in a format; the same list has the same bytes.
func Write(name string, l *schema.ImageList) ([]byte, error) {
	for _, f := range formats() {
		if f.name == name {
			return f.write(l)
		}
	}
	return nil, schema.Errorf(schema.Invalid, "no format %q", name).WithHint("%s", schema.Suggest(name, Formats()))
}

// pullable are the references that name something as they are.
func pullable(l *schema.ImageList) []schema.Image {
	var out []schema.Image
	for _, im := range l.Images {
		if !im.PerOS {
			out = append(out, im)
		}
	}
	return out
}

func text(l *schema.ImageList) ([]byte, error) {
	var b bytes.Buffer
	for _, im := range pullable(l) {
		b.WriteString(im.Reference)
		if im.Digest != "" && !strings.Contains(im.Reference, "@") {
			b.WriteString("@" + string(im.Digest))
		}
		b.WriteByte('\n')
	}
	return b.Bytes(), nil
}

// manifests writes objects as YAML documents.
func manifests(objects ...any) ([]byte, error) {
	var b bytes.Buffer
	for i, o := range objects {
		data, err := schema.EncodeYAML(o)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			b.WriteString("---\n")
		}
		b.Write(data)
	}
	return b.Bytes(), nil
}

// A manifest of Hauler: https://docs.hauler.dev/docs/hauler-usage/store/sync
type haulerObject struct {
	APIVersion string     `json:"apiVersion"`
	Kind       string     `json:"kind"`
	Metadata   nameOnly   `json:"metadata"`
	Spec       haulerSpec `json:"spec"`
}

type nameOnly struct {
	Name string `json:"name"`
}

type haulerSpec struct {
	Images []nameOnly    `json:"images,omitempty"`
	Charts []haulerChart `json:"charts,omitempty"`
}

type haulerChart struct {
	Name    string `json:"name"`
	RepoURL string `json:"repoURL"`
	Version string `json:"version"`
}

func hauler(l *schema.ImageList) ([]byte, error) {
	object := func(kind string) haulerObject {
		return haulerObject{APIVersion: "content.hauler.cattle.io/v1", Kind: kind, Metadata: nameOnly{l.Metadata.Name}}
	}
	images, charts := object("Images"), object("Charts")
	for _, im := range pullable(l) {
		images.Spec.Images = append(images.Spec.Images, nameOnly{im.Reference})
	}
	for _, c := range l.Charts {
		charts.Spec.Charts = append(charts.Spec.Charts, haulerChart{c.Chart, c.Repository, c.Version})
	}
	return manifests(images, charts)
}

// A package of Zarf: https://docs.zarf.dev/ref/create/
type zarfPackage struct {
	Kind       string          `json:"kind"`
	Metadata   zarfMetadata    `json:"metadata"`
	Components []zarfComponent `json:"components"`
}

type zarfMetadata struct {
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
}

type zarfComponent struct {
	Name     string      `json:"name"`
	Required bool        `json:"required"`
	Charts   []zarfChart `json:"charts,omitempty"`
	Images   []string    `json:"images,omitempty"`
}

type zarfChart struct {
	Name      string `json:"name"`
	URL       string `json:"url"`
	RepoName  string `json:"repoName,omitempty"`
	Version   string `json:"version"`
	Namespace string `json:"namespace"`
}

// zarfChecks is the component, which need not be deployed, of what nothing but
// checks run.
const zarfChecks = "eidos-checks"

func zarf(l *schema.ImageList) ([]byte, error) {
	p := zarfPackage{Kind: "ZarfPackageConfig", Metadata: zarfMetadata{l.Metadata.Name, l.Metadata.Version}}
	charts := map[string]schema.ImageChart{}
	images := map[string][]string{}
	names := map[string]bool{}
	for _, c := range l.Charts {
		charts[c.Component], names[c.Component] = c, true
	}
	for _, im := range pullable(l) {
		for _, c := range im.Components {
			images[c], names[c] = append(images[c], im.Reference), true
		}
		if len(im.Components) == 0 {
			images[zarfChecks], names[zarfChecks] = append(images[zarfChecks], im.Reference), true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		z := zarfComponent{Name: name, Required: name != zarfChecks, Images: images[name]}
		if c, ok := charts[name]; ok {
			chart := zarfChart{Name: name, URL: c.Repository, RepoName: c.Chart, Version: c.Version, Namespace: c.Namespace}
			if strings.HasPrefix(c.Repository, "oci://") {
				chart.URL, chart.RepoName = strings.TrimSuffix(c.Repository, "/")+"/"+c.Chart, ""
			}
			z.Charts = []zarfChart{chart}
		}
		p.Components = append(p.Components, z)
	}
	return manifests(p)
}
