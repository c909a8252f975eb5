package images

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/spdx/tools-golang/spdx/v2/common"
	"github.com/spdx/tools-golang/spdx/v2/v2_3"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/imageref"
)

// item is an image or a chart as an inventory lists it.
type item struct {
	id, name, version, purl string
	digest                  schema.Digest
	chart                   bool
	components              []string
}

// users are the components that run an item; what checks run is of the bundle.
func (it item) users() []string {
	if len(it.components) == 0 {
		return []string{""}
	}
	return it.components
}

// items are the charts and then the images of a list. Its identifiers are its
// package URLs: https://github.com/package-url/purl-spec
func items(l *schema.ImageList) []item {
	var out []item
	for _, c := range l.Charts {
		out = append(out, item{
			name: c.Chart, version: c.Version, digest: c.Digest, chart: true, components: []string{c.Component},
			purl: "pkg:helm/" + url.PathEscape(c.Chart) + "@" + url.QueryEscape(c.Version) + "?repository_url=" + url.QueryEscape(c.Repository),
			id:   "chart-" + c.Component,
		})
	}
	for i, im := range l.Images {
		r, _ := imageref.Parse(im.Reference)
		version := "" // a digest, or none
		if im.Digest != "" {
			version = "@" + url.QueryEscape(string(im.Digest))
		}
		q := url.Values{"repository_url": {r.Repository}}
		if r.Tag != "" {
			q.Set("tag", r.Tag)
		}
		out = append(out, item{
			name: r.Repository, version: first(r.Tag, r.Digest), digest: im.Digest, components: im.Components,
			purl: "pkg:oci/" + url.PathEscape(path.Base(r.Repository)) + version + "?" + q.Encode(),
			id:   "image-" + strconv.Itoa(i+1),
		})
	}
	return out
}

// cycloneDX writes CycloneDX 1.6: https://cyclonedx.org/docs/1.6/json/. It has no
// serial number and no time: the same list has the same bytes.
func cycloneDX(l *schema.ImageList) ([]byte, error) {
	root := "bundle"
	bom := cdx.NewBOM()
	bom.Metadata = &cdx.Metadata{
		Tools:     &cdx.ToolsChoice{Components: &[]cdx.Component{{Type: cdx.ComponentTypeApplication, Name: "eidos"}}},
		Component: &cdx.Component{BOMRef: root, Type: cdx.ComponentTypeApplication, Name: l.Metadata.Name, Version: l.Metadata.Version},
	}
	components := []cdx.Component{}
	needs := map[string][]string{}
	chartOf := map[string]string{}
	for _, it := range items(l) {
		c := cdx.Component{BOMRef: it.id, Type: cdx.ComponentTypeContainer, Name: it.name, Version: it.version, PackageURL: it.purl}
		if it.chart {
			c.Type = cdx.ComponentTypeApplication
			chartOf[it.components[0]] = it.id
			needs[root] = append(needs[root], it.id)
		} else {
			for _, name := range it.users() {
				of := first(chartOf[name], root)
				needs[of] = append(needs[of], it.id)
			}
		}
		if it.digest != "" && it.chart { // of the bytes that are the component; an image's is of its manifest
			c.Hashes = &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: strings.TrimPrefix(string(it.digest), "sha256:")}}
		}
		components = append(components, c)
	}
	bom.Components = &components
	deps := []cdx.Dependency{}
	for _, ref := range slices.Sorted(maps.Keys(needs)) {
		list := needs[ref]
		deps = append(deps, cdx.Dependency{Ref: ref, Dependencies: &list})
	}
	bom.Dependencies = &deps
	var b bytes.Buffer
	enc := cdx.NewBOMEncoder(&b, cdx.BOMFileFormatJSON)
	enc.SetPretty(true)
	enc.SetEscapeHTML(false)
	if err := enc.EncodeVersion(bom, cdx.SpecVersion1_6); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// spdx writes SPDX 2.3: https://spdx.github.io/spdx-spec/v2.3/. Its time is the
// epoch and its namespace made of the recipe: the same list has the same bytes.
func spdx(l *schema.ImageList) ([]byte, error) {
	const root = "bundle"
	pkg := func(id, name, version string) *v2_3.Package {
		return &v2_3.Package{
			PackageSPDXIdentifier: common.ElementID(id), PackageName: name, PackageVersion: version,
			PackageDownloadLocation: "NOASSERTION", PackageLicenseConcluded: "NOASSERTION",
			PackageLicenseDeclared: "NOASSERTION", PackageCopyrightText: "NOASSERTION",
		}
	}
	relation := func(a, b, how string) *v2_3.Relationship {
		return &v2_3.Relationship{RefA: common.MakeDocElementID("", a), RefB: common.MakeDocElementID("", b), Relationship: how}
	}
	doc := &v2_3.Document{
		SPDXVersion: v2_3.Version, DataLicense: v2_3.DataLicense, SPDXIdentifier: "DOCUMENT",
		DocumentName:      l.Metadata.Name,
		DocumentNamespace: "https://eidos.nvidia.com/spdx/" + url.PathEscape(l.Metadata.Name) + "/" + strings.TrimPrefix(string(l.Metadata.Recipe), "sha256:"),
		CreationInfo:      &v2_3.CreationInfo{Created: "1970-01-01T00:00:00Z", Creators: []common.Creator{{CreatorType: "Tool", Creator: "eidos"}}},
		Packages:          []*v2_3.Package{pkg(root, l.Metadata.Name, l.Metadata.Version)},
		Relationships:     []*v2_3.Relationship{relation("DOCUMENT", root, common.TypeRelationshipDescribe)},
	}
	chartOf := map[string]string{}
	for _, it := range items(l) {
		p := pkg(it.id, it.name, it.version)
		p.PackageExternalReferences = []*v2_3.PackageExternalReference{{Category: common.CategoryPackageManager, RefType: common.TypePackageManagerPURL, Locator: it.purl}}
		if it.chart {
			p.PrimaryPackagePurpose = "APPLICATION"
			chartOf[it.components[0]] = it.id
			doc.Relationships = append(doc.Relationships, relation(root, it.id, common.TypeRelationshipContains))
			if it.digest != "" {
				p.PackageChecksums = []common.Checksum{{Algorithm: common.SHA256, Value: strings.TrimPrefix(string(it.digest), "sha256:")}}
			}
		} else {
			p.PrimaryPackagePurpose = "CONTAINER"
			for _, name := range it.users() {
				doc.Relationships = append(doc.Relationships, relation(first(chartOf[name], root), it.id, common.TypeRelationshipDependsOn))
			}
		}
		doc.Packages = append(doc.Packages, p)
	}
	raw, err := json.Marshal(doc)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := json.Indent(&b, raw, "", "  "); err != nil {
		return nil, err
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}
