package main

import (
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/NVIDIA/eidos/schema"
)

// inventory is what binaries are made of, as the Go toolchain wrote it into them.
type inventory struct {
	binaries  []sum
	toolchain string
	modules   []module // sorted, each once
}

// module is a library: a Go module, or a package of the system that an image
// takes along.
type module struct {
	path, version, kind string
	licence             string // an SPDX expression; "" for what is not known
}

func (m module) purl() string { return "pkg:" + m.kind + "/" + m.path + "@" + m.version }

// packageOf reads a package URL without qualifiers: pkg:deb/debian/libc6@2.36-9.
func packageOf(purl string) (module, error) {
	kind, rest, ok := strings.Cut(strings.TrimPrefix(purl, "pkg:"), "/")
	path, version, ok2 := strings.Cut(rest, "@")
	if !ok || !ok2 || !strings.HasPrefix(purl, "pkg:") {
		return module{}, fmt.Errorf("%q is not pkg:KIND/NAME@VERSION", purl)
	}
	return module{path: path, version: version, kind: kind}, nil
}

// readLicences reads the list of tools/licences: MODULE EXPRESSION in each line. A
// module has a line for each licence that one of its versions has.
func readLicences(path string) (map[string]string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for line := range strings.Lines(string(text)) {
		name, expression, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok {
			return nil, fmt.Errorf("%s: %q is not MODULE EXPRESSION", path, line)
		}
		if other := out[name]; other != "" {
			expression = other + " AND " + expression
		}
		out[name] = expression
	}
	return out, nil
}

// inventoryOf reads binaries. A module that is not in licences is an error: what is
// linked was not looked at.
func inventoryOf(binaries []string, licences map[string]string) (*inventory, error) {
	var inv inventory
	seen := map[module]bool{}
	for _, b := range binaries {
		info, err := buildinfo.ReadFile(b)
		if err != nil {
			return nil, err
		}
		data, err := os.ReadFile(b)
		if err != nil {
			return nil, err
		}
		h := sha256.Sum256(data)
		name := filepath.Base(b)
		for _, other := range inv.binaries {
			if other.name == name { // of another platform
				name = filepath.Base(filepath.Dir(b)) + "/" + name
			}
		}
		inv.binaries = append(inv.binaries, sum{name, hex.EncodeToString(h[:])})
		inv.toolchain = info.GoVersion
		for _, d := range info.Deps {
			if d.Replace != nil {
				d = d.Replace
			}
			licence, ok := licences[d.Path]
			if !ok && !strings.HasPrefix(d.Path, "github.com/NVIDIA/eidos") {
				return nil, fmt.Errorf("%s: the licence of %s is not listed: EIDOS_UPDATE=1 go test ./tools/licences looks at it", b, d.Path)
			}
			if m := (module{d.Path, d.Version, "golang", licence}); !seen[m] {
				seen[m] = true
				inv.modules = append(inv.modules, m)
			}
		}
	}
	slices.SortFunc(inv.modules, func(a, b module) int { return strings.Compare(a.purl(), b.purl()) })
	return &inv, nil
}

type object = map[string]any

// cycloneDX is a bill in CycloneDX 1.6, see https://cyclonedx.org/docs/1.6/json/.
func (r *release) cycloneDX(name string, inv *inventory) any {
	var components []object
	for _, b := range inv.binaries {
		components = append(components, object{"type": "application", "bom-ref": b.name, "name": b.name, "version": r.version,
			"hashes": []object{{"alg": "SHA-256", "content": b.hex}}})
	}
	components = append(components, object{"type": "platform", "bom-ref": "go", "name": "go", "version": inv.toolchain})
	for _, m := range inv.modules {
		c := object{"type": "library", "bom-ref": m.purl(), "name": m.path, "version": m.version, "purl": m.purl()}
		if m.licence != "" {
			c["licenses"] = []object{{"expression": m.licence}}
		}
		components = append(components, c)
	}
	return object{
		"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
		"metadata": object{"timestamp": r.time.Format(time.RFC3339), "component": object{
			"type": "application", "bom-ref": name, "name": "eidos", "version": r.version,
			"externalReferences": []object{{"type": "vcs", "url": "https://github.com/NVIDIA/eidos"}},
		}},
		"components": components,
	}
}

// spdx is a bill in SPDX 2.3, see https://spdx.github.io/spdx-spec/v2.3/.
func (r *release) spdx(name string, inv *inventory) any {
	const none = "NOASSERTION"
	id := func(kind string, n int) string { return fmt.Sprintf("SPDXRef-%s-%d", kind, n) }
	pkg := func(id, name, version string) object {
		return object{"SPDXID": id, "name": name, "versionInfo": version, "downloadLocation": none, "filesAnalyzed": false,
			"licenseConcluded": none, "licenseDeclared": none, "copyrightText": none}
	}
	var packages, relations []object
	relate := func(a, how, b string) {
		relations = append(relations, object{"spdxElementId": a, "relationshipType": how, "relatedSpdxElement": b})
	}
	for i, b := range inv.binaries {
		p := pkg(id("binary", i), b.name, r.version)
		p["licenseDeclared"] = "Apache-2.0"
		p["checksums"] = []object{{"algorithm": "SHA256", "checksumValue": b.hex}}
		packages = append(packages, p)
		relate("SPDXRef-DOCUMENT", "DESCRIBES", id("binary", i))
	}
	for i, m := range inv.modules {
		p := pkg(id("module", i), m.path, m.version)
		if m.licence != "" {
			p["licenseDeclared"] = m.licence
		}
		p["externalRefs"] = []object{{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": m.purl()}}
		packages = append(packages, p)
		relate(id("binary", 0), "DEPENDS_ON", id("module", i))
	}
	return object{
		"spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": name,
		"documentNamespace": "https://github.com/NVIDIA/eidos/releases/" + r.version + "/" + name,
		"creationInfo":      object{"created": r.time.Format(time.RFC3339), "creators": []string{"Tool: eidos-release"}},
		"packages":          packages, "relationships": relations,
	}
}

// bills writes both bills of materials of one inventory.
func (r *release) bills(name string, inv *inventory) error {
	for suffix, bill := range map[string]any{".cdx.json": r.cycloneDX(name, inv), ".spdx.json": r.spdx(name, inv)} {
		text, err := schema.EncodeIndent(bill)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(r.out, name+suffix), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// provenance is an in-toto statement with SLSA provenance v1 about every file, and
// about every binary in the archives.
func (r *release) provenance(files []sum) any {
	var subjects []object
	for _, f := range files {
		subjects = append(subjects, object{"name": f.name, "digest": object{"sha256": f.hex}})
	}
	const source = "git+https://github.com/NVIDIA/eidos"
	return object{
		"_type": "https://in-toto.io/Statement/v1", "predicateType": "https://slsa.dev/provenance/v1", "subject": subjects,
		"predicate": object{
			"buildDefinition": object{
				"buildType":            "https://github.com/NVIDIA/eidos/release/v1",
				"externalParameters":   object{"version": r.version},
				"resolvedDependencies": []object{{"uri": source + "@refs/tags/" + r.version, "digest": object{"gitCommit": r.commit}}},
			},
			"runDetails": object{"builder": object{"id": "https://github.com/NVIDIA/eidos/.github/workflows/on-tag.yml"}},
		},
	}
}
