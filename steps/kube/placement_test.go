package kube

import "testing"

func FuzzToleration(f *testing.F) {
	f.Add("nvidia.com/gpu=present:NoSchedule")
	f.Add(":")
	f.Fuzz(func(t *testing.T, s string) {
		if o, ok := toleration(s); ok && o["operator"] == nil {
			t.Errorf("%q gives %v", s, o)
		}
	})
}
