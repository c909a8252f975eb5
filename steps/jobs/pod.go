package jobs

import (
	"strconv"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/kube"
)

// placement is where Pods run: what of a Pod's spec says that.
func placement(p schema.Pods) (map[string]any, error) {
	selector, err1 := kube.NodeLabels("nodeSelector", p.NodeSelector)
	tolerations, err2 := kube.Tolerations("toleration", p.Toleration)
	if err := schema.Join([]error{err1, err2}); err != nil {
		return nil, err
	}
	spec := map[string]any{}
	if len(selector) > 0 {
		spec["nodeSelector"] = selector
	}
	if len(tolerations) > 0 {
		var list []any
		for _, t := range tolerations {
			list = append(list, map[string]any(t))
		}
		spec["tolerations"] = list
	}
	if len(p.ImagePullSecret) > 0 {
		var list []any
		for _, s := range p.ImagePullSecret {
			list = append(list, map[string]any{"name": s})
		}
		spec["imagePullSecrets"] = list
	}
	if p.ServiceAccountName != "" {
		spec["serviceAccountName"] = p.ServiceAccountName
	}
	return spec, nil
}

// resources are what a container asks for.
func resources(p schema.Pods) map[string]any {
	memory, cpu := word(p.Memory, "1Gi"), word(p.Cpu, "100m")
	limits := map[string]any{"memory": memory}
	if p.Gpus > 0 {
		limits["nvidia.com/gpu"] = strconv.FormatInt(p.Gpus, 10)
	}
	return map[string]any{"requests": map[string]any{"cpu": cpu, "memory": memory}, "limits": limits}
}

// dockerVolume is the login of registries, and dockerMount where it is seen.
func dockerVolume(p schema.Pods) map[string]any {
	return map[string]any{"name": "docker", "secret": map[string]any{
		"secretName": p.RegistrySecret, "defaultMode": 0o440,
		"items": []any{map[string]any{"key": ".dockerconfigjson", "path": "config.json"}},
	}}
}

func dockerMount() map[string]any {
	return map[string]any{"name": "docker", "mountPath": dockerDir, "readOnly": true}
}

func word(s schema.Quantity, none string) string {
	if s == "" {
		return none
	}
	return s
}
