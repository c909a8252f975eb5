package expect

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	storagev1 "k8s.io/api/storage/v1"

	"github.com/NVIDIA/eidos/recipes"
)

// types are the kinds whose fields are known here; those of other kinds are a
// matter of their CRDs.
var types = map[string]reflect.Type{
	"v1/Pod": reflect.TypeFor[corev1.Pod](), "v1/Node": reflect.TypeFor[corev1.Node](), "v1/Namespace": reflect.TypeFor[corev1.Namespace](),
	"v1/PersistentVolumeClaim": reflect.TypeFor[corev1.PersistentVolumeClaim](), "v1/Secret": reflect.TypeFor[corev1.Secret](),
	"v1/Service": reflect.TypeFor[corev1.Service](), "v1/ConfigMap": reflect.TypeFor[corev1.ConfigMap](),
	"apps/v1/Deployment": reflect.TypeFor[appsv1.Deployment](), "apps/v1/DaemonSet": reflect.TypeFor[appsv1.DaemonSet](), "apps/v1/StatefulSet": reflect.TypeFor[appsv1.StatefulSet](),
	"batch/v1/Job": reflect.TypeFor[batchv1.Job](), "storage.k8s.io/v1/StorageClass": reflect.TypeFor[storagev1.StorageClass](),
	"resource.k8s.io/v1/ResourceSlice": reflect.TypeFor[resourcev1.ResourceSlice](), "resource.k8s.io/v1/DeviceClass": reflect.TypeFor[resourcev1.DeviceClass](),
	"admissionregistration.k8s.io/v1/ValidatingWebhookConfiguration": reflect.TypeFor[admissionv1.ValidatingWebhookConfiguration](),
}

// Every field that the built-in checks look at is in the API.
func TestPathsAreInTheAPI(t *testing.T) {
	cat, err := recipes.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	checks, err := cat.Checks()
	if err != nil {
		t.Fatal(err)
	}
	looked := 0
	var walk func(name string, list []recipes.Expect)
	walk = func(name string, list []recipes.Expect) {
		for _, e := range list {
			walk(name, e.Any)
			walk(name, e.All)
			typ, ok := types[e.APIVersion+"/"+e.Kind]
			if !ok && e.Kind != "" && !strings.Contains(e.APIVersion, ".") && e.APIVersion != "" {
				t.Errorf("%s: the test does not know %s %s", name, e.APIVersion, e.Kind)
			}
			if !ok {
				continue
			}
			c := condition{Expect: e}
			for _, p := range c.paths() {
				looked++
				if !inType(typ, p) {
					t.Errorf("%s: %s has no field %v", name, e.Kind, p)
				}
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(checks)) {
		walk(name, checks[name].Expect)
	}
	if looked < 60 {
		t.Errorf("only %d paths were looked at", looked)
	}
}

func inType(typ reflect.Type, path []step) bool {
	for typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	switch {
	case len(path) == 0:
		return true
	case path[0].key == "":
		if typ.Kind() != reflect.Slice || path[0].sel != "" && path[0].sel != "*" && !inType(typ.Elem(), []step{{key: path[0].sel}}) {
			return false
		}
		return inType(typ.Elem(), path[1:])
	case typ.Kind() == reflect.Map:
		return inType(typ.Elem(), path[1:])
	case typ.Kind() != reflect.Struct:
		return false
	}
	for i := range typ.NumField() {
		f := typ.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == path[0].key {
			return inType(f.Type, path[1:])
		}
		if name == "" && f.Anonymous && inType(f.Type, path) {
			return true
		}
	}
	return false
}
