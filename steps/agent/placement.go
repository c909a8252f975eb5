package agent

import (
	"slices"
	"strings"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/pattern"
	"github.com/NVIDIA/eidos/steps/kube"
)

var (
	labelKey   = pattern.New(`^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$`)
	labelValue = pattern.New(`^([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?$`)
	effects    = []string{"NoSchedule", "PreferNoSchedule", "NoExecute"}
)

// labelsOf reads node labels as KEY=VALUE. Invalid names every one that is not.
func labelsOf(list []string) (map[string]any, error) {
	out := map[string]any{}
	var errs []error
	for _, s := range list {
		k, v, ok := strings.Cut(s, "=")
		if !ok || !labelKey.MatchString(k) || !labelValue.MatchString(v) {
			errs = append(errs, schema.Errorf(schema.Invalid, "%q is not a node label", s).At("", "agent.nodeSelector").
				WithHint("write KEY=VALUE, nvidia.com/gpu.present=true"))
			continue
		}
		out[k] = v
	}
	return out, schema.Join(errs)
}

// tolerationsOf reads tolerations: KEY=VALUE:EFFECT, KEY:EFFECT, KEY=VALUE or
// KEY, and * for every taint.
func tolerationsOf(list []string) ([]kube.Object, error) {
	var out []kube.Object
	var errs []error
	for _, s := range list {
		t, ok := toleration(s)
		if !ok {
			errs = append(errs, schema.Errorf(schema.Invalid, "%q is not a toleration", s).At("", "agent.toleration").
				WithHint("write KEY=VALUE:EFFECT, KEY:EFFECT or KEY; the effects are %s", strings.Join(effects, ", ")))
			continue
		}
		out = append(out, t)
	}
	return out, schema.Join(errs)
}

func toleration(s string) (kube.Object, bool) {
	if s == "*" {
		return kube.Object{"operator": "Exists"}, true
	}
	t := kube.Object{"operator": "Exists"}
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
	return t, labelKey.MatchString(key) && labelValue.MatchString(value)
}

// selectorOf writes labels as a selector of the API.
func selectorOf(list []string) string { return strings.Join(list, ",") }
