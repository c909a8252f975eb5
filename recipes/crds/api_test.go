package crds

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	resourcev1 "k8s.io/api/resource/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// kinds are those of Kubernetes that checks may be about.
var kinds = map[string]any{
	"v1 Pod": corev1.Pod{}, "v1 Node": corev1.Node{}, "v1 Namespace": corev1.Namespace{}, "v1 PersistentVolumeClaim": corev1.PersistentVolumeClaim{},
	"v1 PersistentVolume": corev1.PersistentVolume{}, "v1 Secret": corev1.Secret{}, "v1 Service": corev1.Service{}, "v1 ConfigMap": corev1.ConfigMap{},
	"v1 ServiceAccount": corev1.ServiceAccount{}, "v1 ResourceQuota": corev1.ResourceQuota{},
	"apps/v1 Deployment": appsv1.Deployment{}, "apps/v1 DaemonSet": appsv1.DaemonSet{}, "apps/v1 StatefulSet": appsv1.StatefulSet{}, "apps/v1 ReplicaSet": appsv1.ReplicaSet{},
	"batch/v1 Job": batchv1.Job{}, "batch/v1 CronJob": batchv1.CronJob{}, "autoscaling/v2 HorizontalPodAutoscaler": autoscalingv2.HorizontalPodAutoscaler{},
	"storage.k8s.io/v1 StorageClass": storagev1.StorageClass{}, "storage.k8s.io/v1 CSIDriver": storagev1.CSIDriver{}, "storage.k8s.io/v1 CSINode": storagev1.CSINode{},
	"networking.k8s.io/v1 NetworkPolicy": networkingv1.NetworkPolicy{}, "networking.k8s.io/v1 Ingress": networkingv1.Ingress{},
	"scheduling.k8s.io/v1 PriorityClass": schedulingv1.PriorityClass{},
	"resource.k8s.io/v1 ResourceSlice":   resourcev1.ResourceSlice{}, "resource.k8s.io/v1 DeviceClass": resourcev1.DeviceClass{}, "resource.k8s.io/v1 ResourceClaim": resourcev1.ResourceClaim{},
	"admissionregistration.k8s.io/v1 ValidatingWebhookConfiguration": admissionv1.ValidatingWebhookConfiguration{},
	"admissionregistration.k8s.io/v1 MutatingWebhookConfiguration":   admissionv1.MutatingWebhookConfiguration{},
}

// api.json is what the Go types of the Kubernetes that go.mod names have.
func TestAPI(t *testing.T) {
	var l Live
	l.api.Kinds, l.api.Types = map[string]string{}, map[string]map[string]string{}
	for id, v := range kinds {
		l.api.Kinds[id] = typeName(reflect.TypeOf(v), l.api.Types)
	}
	typeName(reflect.TypeFor[metav1.ObjectMeta](), l.api.Types)
	var b bytes.Buffer
	line := func(v any) string {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	b.WriteString("{\n \"kinds\": " + line(l.api.Kinds) + ",\n \"types\": {\n")
	names := slices.Sorted(maps.Keys(l.api.Types))
	for i, name := range names {
		b.WriteString("  " + line(name) + ": " + line(l.api.Types[name]))
		if i < len(names)-1 {
			b.WriteByte(',')
		}
		b.WriteByte('\n')
	}
	b.WriteString(" }\n}\n")
	if os.Getenv("EIDOS_UPDATE") != "" {
		if err := os.WriteFile("api.json", b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile("api.json")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(have), b.String()); d != "" {
		t.Errorf("api.json (-have +want), EIDOS_UPDATE=1 rewrites it:\n%s", d)
	}
	if len(names) < 200 {
		t.Errorf("only %d types", len(names))
	}
}

// typeName adds a type and those below it to all, and returns its name.
func typeName(typ reflect.Type, all map[string]map[string]string) string {
	switch typ {
	case reflect.TypeFor[metav1.Time](), reflect.TypeFor[metav1.MicroTime](), reflect.TypeFor[resource.Quantity](), reflect.TypeFor[intstr.IntOrString]():
		return "scalar"
	case reflect.TypeFor[runtime.RawExtension](), reflect.TypeFor[metav1.FieldsV1]():
		return "any"
	}
	switch typ.Kind() {
	case reflect.Pointer:
		return typeName(typ.Elem(), all)
	case reflect.Slice:
		if typ.Elem().Kind() == reflect.Uint8 {
			return "scalar"
		}
		return "[]" + typeName(typ.Elem(), all)
	case reflect.Map:
		return "{}" + typeName(typ.Elem(), all)
	case reflect.Struct:
	default:
		return "scalar"
	}
	name := typ.Name()
	if strings.Contains(typ.PkgPath(), "/api/") && !strings.HasSuffix(typ.PkgPath(), "core/v1") {
		parts := strings.Split(typ.PkgPath(), "/")
		name = parts[len(parts)-2] + "." + name // two groups may have a type of one name
	}
	if all[name] != nil {
		return name
	}
	all[name] = map[string]string{}
	fill(all[name], typ, all)
	return name
}

func fill(fields map[string]string, typ reflect.Type, all map[string]map[string]string) {
	for i := range typ.NumField() {
		f := typ.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case name == "-" || !f.IsExported():
		case name == "" && f.Anonymous:
			fill(fields, f.Type, all)
		default:
			fields[name] = typeName(f.Type, all)
		}
	}
}
