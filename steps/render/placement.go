package render

import (
	"strings"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/pattern"
)

// toleration is one of Kubernetes' (core/v1).
type toleration struct {
	key, value string
	exists     bool // any value
	effect     string
}

// Kubernetes: pkg/apis/core/validation, apimachinery/pkg/util/validation.
var (
	labelKeyForm   = pattern.New(`^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$`)
	labelValueForm = pattern.New(`^([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?$`)
)

func effects() []string { return []string{"NoSchedule", "PreferNoSchedule", "NoExecute"} }

// parseToleration reads key=value:Effect or key:Effect.
func parseToleration(s string) (toleration, error) {
	const form = "write KEY=VALUE:EFFECT or KEY:EFFECT, as in nvidia.com/gpu=present:NoSchedule"
	i := strings.LastIndexByte(s, ':')
	if i < 0 {
		return toleration{}, schema.Errorf(schema.Invalid, "%q names no effect", s).WithHint(form)
	}
	t := toleration{effect: s[i+1:]}
	var has bool
	t.key, t.value, has = strings.Cut(s[:i], "=")
	t.exists = !has
	if err := checkLabel(s, t.key, t.value); err != nil {
		return toleration{}, err
	}
	for _, e := range effects() {
		if t.effect == e {
			return t, nil
		}
	}
	return toleration{}, schema.Errorf(schema.Invalid, "%q: no effect %q", s, t.effect).WithHint("%s", schema.Suggest(t.effect, effects()))
}

// String writes t as parseToleration reads it.
func (t toleration) String() string {
	if t.exists {
		return t.key + ":" + t.effect
	}
	return t.key + "=" + t.value + ":" + t.effect
}

// object is t as values of a chart have it.
func (t toleration) object() map[string]any {
	if t.exists {
		return map[string]any{"key": t.key, "operator": "Exists", "effect": t.effect}
	}
	return map[string]any{"key": t.key, "operator": "Equal", "value": t.value, "effect": t.effect}
}

// parseLabel reads key=value.
func parseLabel(s string) (key, value string, err error) {
	key, value, ok := strings.Cut(s, "=")
	if !ok {
		return "", "", schema.Errorf(schema.Invalid, "%q has no =", s).WithHint("write KEY=VALUE, as in nodeGroup=gpu-worker")
	}
	return key, value, checkLabel(s, key, value)
}

func checkLabel(s, key, value string) error {
	if !labelKeyForm.MatchString(key) {
		return schema.Errorf(schema.Invalid, "%q: %q is not a key that Kubernetes takes", s, key).WithHint("letters, digits, - _ . up to 63, after an optional DNS prefix and /")
	}
	if !labelValueForm.MatchString(value) {
		return schema.Errorf(schema.Invalid, "%q: %q is not a value that Kubernetes takes", s, value).WithHint("letters, digits, - _ . up to 63, starting and ending with a letter or digit")
	}
	return nil
}
