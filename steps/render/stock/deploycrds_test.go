//go:build linux

package stock

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/NVIDIA/eidos/steps/chartlock/charttest"
)

// Definitions go with their objects, also where one of them is not served. What
// cannot be read is reported, and stays.
func TestDefinitions(t *testing.T) {
	i := newInstall(t, "components")
	served, not := definition(i.Namespace, "a", true, ""), definition(i.Namespace, "b", false, "")
	chart := charttest.Chart{Name: "first", Version: "1.0.0", Files: map[string]string{"crds/all.yaml": served + "---\n" + not}}
	const packed = "components/first/first-1.0.0.tgz"
	i.Write(t, packed, "no chart")
	unknown := "the CustomResourceDefinitions of first are not known, and stay"
	i.Run(t, 1, []string{unknown, "failed: first"}, "undeploy.sh", "--dry-run", "--delete-crds")
	i.Write(t, packed, string(chart.Pack()))
	i.Run(t, 0, []string{"[1/2] first: installed in "}, "deploy.sh")
	group := i.Namespace + ".example.com"
	object := "/apis/" + group + "/v1/as"
	if err := i.Client.RESTClient().Post().AbsPath(object).Body([]byte(`{"apiVersion":"` + group + `/v1","kind":"A","metadata":{"name":"x"}}`)).Do(t.Context()).Error(); err != nil {
		t.Fatal(err)
	}

	env := i.Env
	i.Write(t, "../bin/kubectl", "#!/bin/sh\ncase \"$*\" in $REFUSED*) echo forbidden >&2; exit 1 ;; esac\nPATH=${PATH#*:}\nexec kubectl \"$@\"\n")
	if err := os.Chmod(filepath.Join(i.Dir, "../bin/kubectl"), 0o755); err != nil {
		t.Fatal(err)
	}
	var path string
	for _, e := range env {
		if p, ok := strings.CutPrefix(e, "PATH="); ok {
			path = p
		}
	}
	for _, c := range []struct{ refused, want string }{
		{"api-resources", "the kinds of the cluster cannot be read. Nothing was changed."},
		{"get customresourcedefinitions", unknown},
		{"get -f", unknown},
		{"get pods,", "stays: namespace " + i.Namespace + "-first, what is in it cannot be read"},
	} {
		args := []string{"undeploy.sh", "--keep-namespaces", "--delete-crds"}
		if c.refused == "get pods," { // a namespace that looks empty would be deleted
			args = []string{"undeploy.sh", "--timeout", "5s"}
		}
		i.Env = append(env[:len(env):len(env)], "REFUSED="+c.refused, "PATH="+filepath.Join(i.Dir, "../bin")+":"+path)
		i.Run(t, 1, []string{c.want}, args...)
		if err := i.Client.RESTClient().Get().AbsPath(object + "/x").Do(t.Context()).Error(); err != nil {
			t.Errorf("%s: %v", c.refused, err)
		}
	}
	i.Env = env
	i.Run(t, 0, []string{"as." + group, "bs." + group}, "undeploy.sh", "--delete-crds", "--keep-namespaces")
	for _, name := range []string{"as", "bs"} {
		if err := i.Client.RESTClient().Get().AbsPath(definitions, name+"."+group).Do(t.Context()).Error(); !apierrors.IsNotFound(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// definition is a CustomResourceDefinition of a kind of one letter.
func definition(namespace, kind string, served bool, more string) string {
	group := namespace + ".example.com"
	return fmt.Sprintf(`{"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "%[1]ss.%[2]s"%[3]s}, "spec": {"group": %[2]q, "scope": "Cluster",`+
		` "names": {"plural": "%[1]ss", "kind": %[4]q}, "versions": [{"name": "v1", "served": %[5]t, "storage": true, "schema": {"openAPIV3Schema": {"type": "object"}}}]}}`+"\n",
		kind, group, more, strings.ToUpper(kind), served)
}

// define creates a CustomResourceDefinition for the time of a test.
func (i *install) define(t *testing.T, text string) {
	t.Helper()
	raw, err := i.Client.RESTClient().Post().AbsPath(definitions).SetHeader("Content-Type", "application/json").Body([]byte(text)).DoRaw(t.Context())
	if err != nil {
		t.Fatalf("%v: %s", err, raw)
	}
	var made metav1.PartialObjectMetadata
	if err := json.Unmarshal(raw, &made); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := i.Client.RESTClient().Delete().AbsPath(definitions, made.Name).Do(context.Background()).Error(); err != nil {
			t.Error(err)
		}
	})
}
