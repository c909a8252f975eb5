package kube

import (
	"fmt"
	"slices"
	"strings"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/pattern"
)

var (
	nodeKey   = pattern.New(`^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$`)
	nodeValue = pattern.New(`^([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?$`)
	effects   = []string{"NoSchedule", "PreferNoSchedule", "NoExecute"}
)

// NodeLabels reads node labels as KEY=VALUE. Invalid names every one that is
// not; at is their parameter.
func NodeLabels(at string, list []string) (map[string]any, error) {
	out := map[string]any{}
	var errs []error
	for i, s := range list {
		k, v, ok := strings.Cut(s, "=")
		if !ok || !nodeKey.MatchString(k) || !nodeValue.MatchString(v) {
			errs = append(errs, schema.Errorf(schema.Invalid, "%q is not a node label", s).At("", fmt.Sprintf("%s[%d]", at, i)).
				WithHint("write KEY=VALUE, nvidia.com/gpu.present=true"))
			continue
		}
		out[k] = v
	}
	return out, schema.Join(errs)
}

// Tolerations reads tolerations: KEY=VALUE:EFFECT, KEY:EFFECT, KEY=VALUE or KEY,
// and * for every taint. Invalid names every one that is not; at is their
// parameter.
func Tolerations(at string, list []string) ([]Object, error) {
	var out []Object
	var errs []error
	for i, s := range list {
		t, ok := toleration(s)
		if !ok {
			errs = append(errs, schema.Errorf(schema.Invalid, "%q is not a toleration", s).At("", fmt.Sprintf("%s[%d]", at, i)).
				WithHint("write KEY=VALUE:EFFECT, KEY:EFFECT or KEY; the effects are %s", strings.Join(effects, ", ")))
			continue
		}
		out = append(out, t)
	}
	return out, schema.Join(errs)
}

func toleration(s string) (Object, bool) {
	if s == "*" {
		return Object{"operator": "Exists"}, true
	}
	t := Object{"operator": "Exists"}
	taint, effect, ok := strings.Cut(s, ":")
	if ok {
		if !slices.Contains(effects, effect) {
			return nil, false
		}
		t["effect"] = effect
	}
	key, value, ok := strings.Cut(taint, "=")
	if ok {
		t["operator"], t["value"] = "Equal", value
	}
	t["key"] = key
	return t, nodeKey.MatchString(key) && nodeValue.MatchString(value)
}
