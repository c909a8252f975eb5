package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/collect"
)

// policy reads the GPU operator's ClusterPolicies, every setting under a key of
// dots. There is one in practice; the settings of several stand under their
// names.
func (c *Client) policy(ctx context.Context) (collect.Reading, error) {
	var l struct {
		Items []struct {
			Metadata struct{ Name string }
			Spec     map[string]any
		}
	}
	err := c.getAs(ctx, "list", "clusterpolicies.nvidia.com", &l, "apis", "nvidia.com", "v1", "clusterpolicies")
	if isStatus(err, http.StatusNotFound) {
		return collect.Reading{}, collect.Absent("list clusterpolicies.nvidia.com: the cluster has no such resource")
	}
	if err != nil {
		return collect.Reading{}, err
	}
	if len(l.Items) == 0 {
		return collect.Reading{}, collect.Absent("the cluster has no ClusterPolicy of nvidia.com")
	}
	data := map[string]schema.Scalar{}
	for _, p := range l.Items {
		prefix := ""
		if len(l.Items) > 1 {
			prefix = p.Metadata.Name + "."
		}
		flatten(data, prefix, p.Spec)
	}
	return reading("policy", data), nil
}

// flatten writes the leaves of m as text, lists as JSON. Values of environment
// variables are left out: they can be credentials.
func flatten(data map[string]schema.Scalar, prefix string, m map[string]any) {
	for k, v := range m {
		if strings.EqualFold(k, "env") {
			v = withoutValues(v)
		}
		switch v := v.(type) {
		case map[string]any:
			flatten(data, prefix+k+".", v)
		case []any:
			text, err := json.Marshal(v)
			if err != nil {
				panic("BUG: JSON that was read cannot be written: " + err.Error())
			}
			data[prefix+k] = string(text)
		case nil:
		default:
			data[prefix+k] = fmt.Sprint(v)
		}
	}
}

// withoutValues keeps the names of environment variables.
func withoutValues(env any) any {
	vars, _ := env.([]any)
	names := []any{}
	for _, v := range vars {
		if m, ok := v.(map[string]any); ok {
			names = append(names, map[string]any{"name": m["name"]})
		}
	}
	return names
}
