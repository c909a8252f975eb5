package sign

import (
	"encoding/json"
	"errors"
)

// slsa is what policies look at in SLSA provenance v1, see
// https://slsa.dev/spec/v1.0/provenance.
type slsa struct {
	BuildDefinition struct {
		BuildType            string          `json:"buildType"`
		ExternalParameters   json.RawMessage `json:"externalParameters"`
		ResolvedDependencies []struct {
			Name   string            `json:"name"`
			URI    string            `json:"uri"`
			Digest map[string]string `json:"digest"`
		} `json:"resolvedDependencies"`
	} `json:"buildDefinition"`
	RunDetails struct {
		Builder struct {
			ID      string            `json:"id"`
			Version map[string]string `json:"version"`
		} `json:"builder"`
	} `json:"runDetails"`
}

// material is the digest of a resolved dependency by name, "" if there is none
// of that name, or two that differ.
func (p *slsa) material(name string) string {
	found := ""
	for _, d := range p.BuildDefinition.ResolvedDependencies {
		if d.Name != name || d.Digest["sha256"] == "" {
			continue
		}
		is := "sha256:" + d.Digest["sha256"]
		if found != "" && found != is {
			return ""
		}
		found = is
	}
	return found
}

// sources lists the repositories that it was built from: the workflow's, as GitHub
// states it, else the resolved dependencies' without their revision. A workflow of
// another repository may depend on this one, so that where there is a workflow,
// dependencies prove nothing.
func (p *slsa) sources() []string {
	var e struct {
		Workflow struct {
			Repository string `json:"repository"`
		} `json:"workflow"`
	}
	if json.Unmarshal(p.BuildDefinition.ExternalParameters, &e) == nil && e.Workflow.Repository != "" {
		return []string{e.Workflow.Repository}
	}
	var out []string
	for _, d := range p.BuildDefinition.ResolvedDependencies {
		if d.URI != "" {
			out = append(out, repositoryOf(d.URI))
		}
	}
	return out
}

// slsa reads the provenance that a claim states.
func (c *claim) slsa() (*slsa, error) {
	var p slsa
	if err := json.Unmarshal(c.statement.Predicate, &p); err != nil {
		return nil, errors.New("not SLSA provenance v1")
	}
	return &p, nil
}
