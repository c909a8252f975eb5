package compile

import (
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/cuecontext"
	cueload "cuelang.org/go/cue/load"
	"cuelang.org/go/encoding/yaml"
	"github.com/google/go-cmp/cmp"

	"github.com/NVIDIA/eidos/recipes/crds"
)

// recipes/kinds is what the fact files are as CUE.
func TestKindsAreFresh(t *testing.T) {
	src, err := Shipped("")
	if err != nil {
		t.Fatal(err)
	}
	want, err := src.Kinds()
	if err != nil {
		t.Fatal(err)
	}
	committed := os.DirFS("../kinds")
	names, err := fs.Glob(committed, "*")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(want)), names); diff != "" {
		t.Errorf("recipes/kinds is stale, run go generate ./recipes (-want +got):\n%s", diff)
	}
	for name, text := range want {
		got, err := fs.ReadFile(committed, name)
		if err != nil {
			continue // reported above
		}
		if diff := cmp.Diff(string(text), string(got)); diff != "" {
			t.Errorf("%s is stale, run go generate ./recipes (-want +got):\n%s", name, diff)
		}
	}
}

// kindsOf is #Object of the kinds that a source knows.
func kindsOf(t *testing.T, src Source) cue.Value {
	t.Helper()
	files, err := src.Kinds()
	if err != nil {
		t.Fatal(err)
	}
	tree := fstest.MapFS{"cue.mod/module.cue": {Data: []byte(module)}}
	for name, text := range files {
		tree["recipes/kinds/"+name] = &fstest.MapFile{Data: text}
	}
	inst := cueload.Instances([]string{"./recipes/kinds"}, &cueload.Config{FS: tree, Dir: "/"})[0]
	v := cuecontext.New().BuildInstance(inst)
	if err := v.Validate(); err != nil {
		t.Fatal(err)
	}
	return v.LookupPath(cue.MakePath(cue.Def("Object")))
}

// fits reports whether CUE accepts an object as stock cue vet -c would.
func fits(t *testing.T, def cue.Value, object string) error {
	t.Helper()
	f, err := yaml.Extract("object.yaml", object)
	if err != nil {
		t.Fatal(err)
	}
	return def.Unify(cuecontext.New().BuildFile(f)).Validate(cue.Concrete(true), cue.Final())
}

// CUE refuses what eidos vet refuses, and accepts the rest.
func TestKinds(t *testing.T) {
	src, err := Shipped("")
	if err != nil {
		t.Fatal(err)
	}
	if src, err = src.WithTree(fstest.MapFS{"crds/example.com_Widget_v1.json": {Data: []byte(`{
		"group": "example.com", "kind": "Widget", "version": "v1", "primary": true, "fields": {
			"spec": {"type": "object", "required": true}, "spec.parts": {"type": "array", "maxItems": 2, "minItems": 1}, "spec.parts[]": {"type": "object"},
			"spec.parts[].x-y": {"type": "number", "max": 1.5, "required": true}, "spec.again": {"same": "spec.parts"}, "spec.deep": {"type": "array", "maxItems": 9}, "spec.deep[]": {"type": "object"}, "spec.deep[].a": {"type": "object"}, "spec.deep[].a.b": {"type": "object"}, "spec.any": {"preserve": true},
			"spec.maybe": {"type": "string", "nullable": true, "minLength": 2}, "spec.labels": {"type": "object"}, "spec.labels.known": {"type": "boolean"},
			"spec.labels{}": {"type": "string"}, "spec.none": {"type": "object"}, "spec.port": {"intOrString": true},
			"spec.volumes": {"type": "array"}, "spec.volumes[]": {"core": "Volume"}, "spec.quota": {"core": "ResourceRequirements"}
		}, "without": {"Volume": ["nfs"]}}`)}}, "site"); err != nil {
		t.Fatal(err)
	}
	def, known := kindsOf(t, src), src.kinds()
	const widget, wright = "apiVersion: example.com/v1\nkind: Widget\n", "apiVersion: nodewright.nvidia.com/v1alpha1\nkind: NodeWright\n"
	for name, tt := range map[string]struct{ object, want string }{
		"whole":            {widget + "metadata: {name: a}\nspec: {parts: [{x-y: 1}], any: [1], maybe: null, labels: {known: true, a: b}, none: {}, port: http}", ""},
		"types of core":    {widget + "spec: {volumes: [{name: a, emptyDir: {sizeLimit: 1Gi}}], quota: {limits: {nvidia.com/gpu: 8}}}", ""},
		"required":         {widget + "spec: {parts: [{}]}", "x-y"},
		"required at all":  {widget, "spec"},
		"unknown":          {widget + "spec: {prts: []}", "prts"},
		"outside":          {widget + "spec: {}\nspc: {}", "spc"},
		"in an entry":      {widget + "spec: {parts: [{x-y: 1, z: 1}]}", "z"},
		"as elsewhere":     {widget + "spec: {again: [{x-y: 1, z: 1}]}", "z"},
		"too much":         {widget + "spec: {parts: [{x-y: 1.6}]}", "x-y"},
		"in two":           {widget + "spec: {parts: [{x-y: 1}, {x-y: 1}]}", ""},
		"deep":             {widget + "spec: {deep: [{a: {b: {c: 1}}}]}", "c"},
		"too many":         {widget + "spec: {parts: [{x-y: 1}, {x-y: 1}, {x-y: 1}]}", "parts"},
		"too few":          {widget + "spec: {parts: []}", "parts"},
		"too short":        {widget + "spec: {maybe: a}", "maybe"},
		"null":             {widget + "spec: {labels: }", "labels"},
		"another value":    {widget + "spec: {labels: {a: 1}}", "labels.a"},
		"a known value":    {widget + "spec: {labels: {known: a}}", "labels.known"},
		"accepts no key":   {widget + "spec: {none: {a: 1}}", "none.a"},
		"number or text":   {widget + "spec: {port: true}", "port"},
		"missing in copy":  {widget + "spec: {volumes: [{name: a, nfs: {path: /, server: a}}]}", "nfs"},
		"unknown in copy":  {widget + "spec: {volumes: [{name: a, emptyDr: {}}]}", "emptyDr"},
		"required in copy": {widget + "spec: {volumes: [{emptyDir: {}}]}", "name"},
		"quantity":         {widget + "spec: {quota: {limits: {cpu: [1]}}}", "cpu"},
		"a type":           {wright + "spec: {runtimeRequired: \"true\"}", "runtimeRequired"},
		"a word":           {wright + "spec: {packages: {a: {image: i, version: v, interrupt: {type: restart_all_services}}}}", "type"},
		"a pattern":        {wright + "spec: {packages: {a: {image: i, version: v, containerSHA: latest}}}", "containerSHA"},
		"word of core":     {wright + "spec: {nodeSelectors: {matchExpressions: [{key: a, operator: Is}]}}", "operator"},
		"newest release":   {"apiVersion: trainer.kubeflow.org/v1alpha1\nkind: ClusterTrainingRuntime\nspec: {mlPolicy: {torch: {numProcPerNode: auto}}}", "numProcPerNode"},
		"unknown kind":     {"apiVersion: example.com/v2\nkind: Widget\nspec: {a: 1}", ""},
	} {
		t.Run(name, func(t *testing.T) {
			objects, err := crds.Objects(tt.object)
			if err != nil || len(objects) != 1 {
				t.Fatalf("%d objects, %v", len(objects), err)
			}
			if k, err := known.Find(objects[0].APIVersion, objects[0].Kind, "kubeflow-trainer 2.2.0"); err == nil {
				problems := k.Check(objects[0])
				if tt.want == "" && problems != nil || tt.want != "" && (len(problems) != 1 || !strings.Contains(problems[0].String(), tt.want)) {
					t.Errorf("eidos vet: %v, want %q", problems, tt.want)
				}
			}
			err = fits(t, def, tt.object)
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("CUE: %v, want %q", err, tt.want)
			}
		})
	}
}
