package kube

// PodSecurity is the security context of a Pod that Pod Security `restricted`
// admits.
func PodSecurity() map[string]any {
	return map[string]any{
		"runAsNonRoot": true, "runAsUser": 1000, "runAsGroup": 1000, "fsGroup": 1000,
		"seccompProfile": map[string]any{"type": "RuntimeDefault"},
	}
}

// ContainerSecurity is that of a container, the same.
func ContainerSecurity() map[string]any {
	return map[string]any{
		"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true,
		"capabilities": map[string]any{"drop": []any{"ALL"}},
	}
}
