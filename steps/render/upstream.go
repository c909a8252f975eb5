package render

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/upstream"
)

// Attestation is where upstream keeps the signature of a bundle's checksums.txt.
const Attestation = "attestation/bundle-attestation.sigstore.json"

// unlisted are the files of upstream's bundles that its checksums.txt leaves
// out: the signatures over it, and in some versions the recipe.
var unlisted = []string{Attestation, "attestation/aicr-attestation.sigstore.json", "recipe.yaml"}

// ReadUpstream reads what bundle of the upstream tool a directory holds, from
// its bundle-info.yaml or its recipe.yaml. NotFound if it is none.
func ReadUpstream(tree fs.FS) (schema.BundleMetadata, error) {
	m := schema.BundleMetadata{Name: "upstream", Deployer: "helm"}
	for _, name := range []string{"bundle-info.yaml", "recipe.yaml"} {
		data, err := readFile(tree, name, maxFile)
		if schema.CodeOf(err) == schema.NotFound {
			continue
		}
		if err != nil {
			return m, err
		}
		doc, err := schema.Parse(name, data)
		if err != nil {
			return m, err
		}
		if !upstream.Is(doc, "") {
			break
		}
		get := func(path ...string) string {
			if d := doc.At(path...); d != nil {
				s, _ := d.Text()
				return s
			}
			return ""
		}
		m.Origin, m.Version = get("apiVersion"), get("metadata", "version")
		if d := get("build", "deployer"); slices.Contains(schema.Enum("Deployer"), d) {
			m.Deployer = schema.Deployer(d)
		}
		recipe, err := readFile(tree, "recipe.yaml", maxFile)
		if err != nil {
			return m, err
		}
		m.Recipe = schema.DigestOf(recipe)
		return m, nil
	}
	return m, schema.Errorf(schema.NotFound, "not a bundle: neither %s of eidos nor recipe.yaml of upstream", metadataFile).
		WithHint("name the directory that eidos bundle, or the upstream tool, wrote")
}

// ReadBundle reads what bundle a directory holds, one of eidos or of upstream.
// NotFound if it is neither.
func ReadBundle(tree fs.FS) (schema.BundleMetadata, error) {
	m, err := ReadMetadata(tree)
	if schema.CodeOf(err) != schema.NotFound {
		return m, err
	}
	return ReadUpstream(tree)
}

// VerifyUpstream is VerifyTree for a bundle of upstream: the files that its
// checksums.txt leaves out may be there, and are returned. What is executable
// there is not known.
func VerifyUpstream(tree fs.FS) (findings []Finding, left []string, err error) {
	all, err := verifyTree(tree, func(_ string, m fs.FileMode) string { return special(m) })
	if err != nil {
		if schema.CodeOf(err) == schema.NotFound {
			err = schema.Errorf(schema.NotFound, "the bundle has no %s, and nothing that could be checked", checksums).
				WithHint("upstream writes one unless it was asked not to")
		}
		return nil, nil, err
	}
	for _, f := range all {
		if f.What == "added" && slices.Contains(unlisted, f.Path) {
			left = append(left, f.Path)
			continue
		}
		findings = append(findings, f)
	}
	return findings, left, nil
}

// Proof says in words what an upstream bundle's checksums prove; left are the
// files that they leave out, files the number of all.
func Proof(files int, left []string) string {
	var b strings.Builder
	b.WriteString(fmt.Sprintf("%d files", files-1-len(left)) + " as checksums.txt lists them")
	if len(left) > 0 {
		b.WriteString("; not listed, so not checked: " + strings.Join(left, ", "))
	}
	if slices.Contains(left, Attestation) {
		b.WriteString(". Who wrote them is attested in " + Attestation + ", which eidos does not check (aicr verify does)")
	} else {
		b.WriteString(". Nothing signs the list: it proves that files were not damaged or mixed up, not who wrote them")
	}
	return b.String()
}
