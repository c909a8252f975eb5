package check

import (
	"context"
	"encoding/json"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/recipes/charts"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/chartlock/charttest"
	"github.com/NVIDIA/eidos/steps/render"
	"github.com/NVIDIA/eidos/steps/render/rendertest"
	"github.com/NVIDIA/eidos/tools/kube/cluster"
	"github.com/NVIDIA/eidos/tools/kube/kubetest"
)

// stack is a whole recipe of the catalogue on a real API server. Its bundle holds a
// stand-in for each chart, with the definitions that the chart's facts list and the
// objects that the checks look at; deploy.sh installs it with the stock helm and
// kubectl. What controllers and operators make of that the test writes; on a real node,
// where Pods run, only what operators would (node_test.go).
type stack struct {
	*kubetest.Cluster
	nodes  [2]string // with GPUs
	real   bool      // the first of them has a kubelet, and the cluster controllers
	recipe *schema.RecipeResult
	known  map[string]recipes.Check
	params schema.VerifyClusterParams
	bundle *rendertest.Bundle
	all    []standIn
	before []string // the objects of the cluster without the bundle
}

// owners are the components whose charts bring what checks of every recipe look at.
var owners = map[string]string{"ValidatingWebhookConfiguration": "kubeflow-trainer", "APIService": "prometheus-adapter"}

func newStack(t *testing.T) *stack {
	t.Helper()
	s := &stack{nodes: [2]string{"gpu-0", "gpu-1"}}
	if node := os.Getenv("EIDOS_NODE"); node != "" {
		s.Cluster, s.real, s.nodes = kubetest.New(t), true, [2]string{node, "fake-1"}
	} else {
		s.Cluster = kubetest.Own(t, cluster.Options{})
	}
	s.recipe, s.known = planned(t)
	s.params = conditional(s.known, s.recipe, t)
	items, err := choose(s.recipe, s.known, s.params)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range items {
		s.all = append(s.all, standInsOf(s.recipe, i.check)...)
	}
	s.all = append(s.all, webhook()...)
	s.all = mergeStandIns(s.all)
	for i, o := range s.all {
		if o.component == "" {
			s.all[i].component = owners[o.source.Kind]
		}
	}
	files := s.charts()
	s.platform(t)
	s.before = s.inventory(t)
	s.bundle = rendertest.New(t, s.Kubeconfig, s.recipe, schema.RenderParams{Layout: "components"}, render.Source{Manifest: recipes.Manifest}, files)
	n := len(s.recipe.ComponentRefs)
	args := []string{"deploy.sh", "--no-wait"}
	if s.real {
		args = []string{"deploy.sh", "--timeout", "5m"}
	}
	out := s.bundle.Run(t, 0, nil, args...)
	if got := strings.Count(out, ": installed in "); got < n {
		t.Fatalf("%d releases of %d components:\n%s", got, n, out)
	}
	s.operate(t)
	return s
}

// ref is a component of the recipe, nil if it has none of that name.
func (s *stack) ref(name string) *schema.ComponentRef {
	for i := range s.recipe.ComponentRefs {
		if s.recipe.ComponentRefs[i].Name == name {
			return &s.recipe.ComponentRefs[i]
		}
	}
	return nil
}

// brings is the component whose chart brings the definition of a custom resource: its
// own, that of the first component that it depends on if it is manifests only; "" if
// the platform does.
func (s *stack) brings(o standIn) string {
	c := s.ref(o.component)
	if c != nil && c.Chart == "" && len(c.DependencyRefs) > 0 {
		return c.DependencyRefs[0]
	}
	return o.component
}

// charts are the stand-ins for the charts, by component.
func (s *stack) charts() map[string]charttest.Chart {
	out := map[string]charttest.Chart{}
	defined := map[string]bool{}
	put := func(component, dir string, o standIn) {
		plain := clone(o.object)
		delete(plain, "status")
		text, err := json.Marshal(plain)
		if err != nil {
			panic("BUG: " + err.Error())
		}
		out[component].Files[path.Join(dir, strings.ToLower(o.source.Kind)+"-"+o.name+".yaml")] = string(text)
	}
	for _, c := range s.recipe.ComponentRefs {
		if c.Chart == "" {
			continue
		}
		out[c.Name] = charttest.Chart{Name: c.Chart, Version: c.Version, Files: map[string]string{}}
		facts, err := charts.Builtin().Brief(c.Chart, c.Version)
		if err != nil {
			continue // none of this version; what checks look at follows
		}
		for _, d := range facts.CRDs {
			if name := d.Plural + "." + d.Group; (&charts.Chart{}).On(d.Guards, d.Off, c.Values) {
				defined[name] = true
				o := definition(name, d.Kind, d.Scope, d.Versions...)
				if d.In == "templates" { // as cert-manager's: what is of their kinds outlives the release
					set(o.object, `metadata.annotations.helm\.sh/resource-policy`, "keep")
				}
				put(c.Name, d.In, o)
			}
		}
	}
	for _, o := range s.all {
		name := o.source.Resource + "." + o.source.Group
		if o.custom() && !defined[name] && s.brings(o) != "" {
			defined[name] = true
			put(s.brings(o), "crds", o.definition())
		}
	}
	for _, o := range s.all {
		c := s.ref(o.component)
		switch {
		case c == nil || c.Chart == "": // the platform's, and what manifests of the recipe are
		case o.source.Resource != "customresourcedefinitions":
			put(c.Name, "templates", o)
		case !defined[o.name]:
			put(c.Name, "crds", o)
		}
	}
	return out
}

// platform makes what is there before anything is deployed: nodes, and what is of no
// component.
func (s *stack) platform(t *testing.T) {
	t.Helper()
	for _, name := range s.nodes {
		n := kubetest.NewNode(name)
		n.Labels["nvidia.com/cuda.driver-version.full"] = "580.105.08"
		if s.real {
			s.equip(t, n)
		} else if err := s.AddNode(context.Background(), n); err != nil {
			t.Fatal(err)
		}
	}
	for _, o := range s.all {
		if o.component != "" {
			continue
		}
		if o.custom() {
			s.put(t, o.definition())
		}
		s.put(t, o)
	}
}

// put writes an object and its status.
func (s *stack) put(t testing.TB, o standIn) {
	t.Helper()
	if !s.written(o) {
		o.object = maps.Clone(o.object)
		delete(o.object, "status")
	}
	o.put(t, s.Cluster)
}

// written reports whether the test writes an object's status: a real cluster has
// controllers for its own kinds, and no operators.
func (s *stack) written(o standIn) bool { return !s.real || o.custom() }

// operate writes what controllers and operators would after the installation.
func (s *stack) operate(t *testing.T) {
	t.Helper()
	for _, o := range s.all {
		switch c := s.ref(o.component); {
		case !s.written(o):
			continue
		case c == nil || c.Chart != "":
			o.putStatus(t, s.Cluster)
			continue
		}
		for _, name := range s.names(t, path.Dir(o.path())) { // made by manifests of the recipe
			o.name = name
			o.putStatus(t, s.Cluster)
		}
	}
	for _, o := range s.slices() {
		s.put(t, o)
	}
}

// slices are what is in no chart and has no status: endpoints of the webhook, and
// what the plugin of the DRA driver publishes on each node. On a real node there are
// both already.
func (s *stack) slices() []standIn {
	e := newStandIn("discovery.k8s.io/v1", "EndpointSlice", "endpointslices", "cert-manager", "cert-manager-webhook-1", map[string]any{
		"addressType": "IPv4", "endpoints": []any{map[string]any{"addresses": []any{"10.0.0.1"}, "conditions": map[string]any{"ready": true}}},
	})
	e.object["metadata"].(map[string]any)["labels"] = map[string]any{"kubernetes.io/service-name": "cert-manager-webhook"}
	var out []standIn
	if !s.real {
		out = append(out, e)
	}
	for i, name := range s.nodes {
		if s.real && i == 0 {
			continue
		}
		o := newStandIn("resource.k8s.io/v1", "ResourceSlice", "resourceslices", "", name, clone(bodies["ResourceSlice"]))
		set(o.object, "spec.nodeName", o.name)
		set(o.object, "spec.pool.name", o.name)
		out = append(out, o)
	}
	return out
}

// webhook is one of cert-manager, and its Service.
func webhook() []standIn {
	config := newStandIn("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", "validatingwebhookconfigurations", "", "cert-manager-webhook", map[string]any{
		"webhooks": []any{map[string]any{
			"name": "webhook.cert-manager.io", "sideEffects": "None", "admissionReviewVersions": []any{"v1"},
			"clientConfig": map[string]any{"service": map[string]any{"namespace": "cert-manager", "name": "cert-manager-webhook"}},
			"rules":        []any{map[string]any{"apiGroups": []any{"cert-manager.io"}, "apiVersions": []any{"v1"}, "operations": []any{"CREATE"}, "resources": []any{"nothing"}}},
		}},
	})
	service := newStandIn("v1", "Service", "services", "cert-manager", "cert-manager-webhook", map[string]any{"spec": map[string]any{
		"selector": map[string]any{"app": "cert-manager-webhook"}, "ports": []any{map[string]any{"port": 443}},
	}})
	config.component, service.component = "cert-manager", "cert-manager"
	return []standIn{config, service}
}

// names lists the objects at a path of the API, as NAMESPACE/NAME if they are in one.
func (s *stack) names(t testing.TB, at string) []string {
	t.Helper()
	raw, err := s.Client.RESTClient().Get().AbsPath(at).SetHeader("Accept", "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1").DoRaw(context.Background())
	if err != nil {
		t.Fatalf("listing %s: %v", at, err)
	}
	var list metav1.PartialObjectMetadataList
	if err := json.Unmarshal(raw, &list); err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, o := range list.Items {
		out = append(out, path.Join(o.Namespace, o.Name))
	}
	return out
}

// inventory lists every object that the server stores, but for what it keeps for
// itself.
func (s *stack) inventory(t testing.TB) []string {
	t.Helper()
	lists, err := s.Client.Discovery().ServerPreferredResources()
	if len(lists) == 0 {
		t.Fatal(err)
	}
	var out []string
	for _, l := range lists {
		for _, r := range l.APIResources {
			own := slices.Contains([]string{"componentstatuses", "events", "leases"}, r.Name)
			if own || !slices.Contains(r.Verbs, "list") {
				continue
			}
			at := "/apis/" + l.GroupVersion + "/" + r.Name
			if l.GroupVersion == "v1" {
				at = "/api/v1/" + r.Name
			}
			for _, name := range s.names(t, at) {
				out = append(out, at+" "+name)
			}
		}
	}
	return out
}

// run checks the cluster as a command does, with a connection of its own.
func (s *stack) run(t testing.TB) *schema.ValidationResult {
	t.Helper()
	c := connect(t, s.Kubeconfig)
	defer c.Close()
	out, err := Run(context.Background(), s.recipe, s.known, c, s.params, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// A whole recipe that deploy.sh has installed passes its checks, with the rights that
// are generated for them; each of its faults is found by one check; and undeploy.sh
// leaves nothing of it.
func TestWholeRecipe(t *testing.T) {
	s := newStack(t)
	sound := s.run(t)
	for name, c := range wrong(sound) {
		t.Errorf("%s is %s: %s", name, c.Status, c.Reason)
	}
	if t.Failed() || sound.Summary.Passed < 25 {
		t.Fatalf("%+v", sound.Summary)
	}
	if s.real {
		t.Run("commands", s.commands)
	}
	t.Run("faults", func(t *testing.T) {
		if list := s.faults(); s.real {
			s.find(t, s.really(t, list))
		} else {
			s.find(t, list)
		}
	})
	t.Run("rights", s.rights)
	t.Run("removed", s.removed)
}

func (s *stack) removed(t *testing.T) {
	for _, o := range s.slices() { // with the Service and the nodes' Pods
		remove(t, s, o.path())
	}
	if !s.real {
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go s.finalize(ctx)
	}
	out := s.bundle.Run(t, 0, []string{"cert-manager: removed"}, "undeploy.sh", "--delete-crds")
	for end := time.Now().Add(settleLimit); strings.Contains(out, "stays: namespace") && s.real && time.Now().Before(end); time.Sleep(time.Second) {
		// It names a namespace whose Pods still end, and leaves it to the next run.
		out = s.bundle.Run(t, 0, nil, "undeploy.sh", "--delete-crds")
	}
	var left []string
	for end := time.Now().Add(settleLimit); time.Now().Before(end); time.Sleep(time.Second) { // APIs go a moment after their definitions
		left = slices.DeleteFunc(s.inventory(t), func(o string) bool { return slices.Contains(s.before, o) })
		if len(left) == 0 {
			return
		}
	}
	t.Errorf("left: %v after\n%s", left, out)
}

// finalize is the controller of namespaces: one that is deleted goes. It deletes
// nothing in it, so that what undeploy.sh leaves there is found.
func (s *stack) finalize(ctx context.Context) {
	api := s.Client.CoreV1().Namespaces()
	for ; ctx.Err() == nil; time.Sleep(20 * time.Millisecond) {
		list, err := api.List(ctx, metav1.ListOptions{})
		if err != nil {
			continue // the test is over, or the next round has better luck
		}
		for _, ns := range list.Items {
			if ns.DeletionTimestamp != nil {
				ns.Spec.Finalizers = nil
				_, _ = api.Finalize(ctx, &ns, metav1.UpdateOptions{}) // as above
			}
		}
	}
}
