package render

import (
	"slices"
	"strings"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/pattern"
)

// A kustomization is deployed through one that the bundle has in the component's
// directory: it puts everything into the component's namespace, and builds a
// pinned directory of a Git repository or files beside it. Every deployer is
// pointed to it: Argo CD, Flux and Helmfile build kustomizations, and so does
// kubectl apply -k.

// kustomizationFile is what kustomize builds in a directory:
// https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/
type kustomizationFile struct {
	APIVersion string   `json:"apiVersion"`
	Kind       string   `json:"kind"`
	Namespace  string   `json:"namespace"`
	Resources  []string `json:"resources"`
}

var (
	originForm = pattern.New(`^https://[A-Za-z0-9._~:/%+-]+$`)
	pathForm   = pattern.New(`^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*$`)
	refForm    = pattern.New(`^(v?[0-9]+(\.[0-9]+)*([-+.][0-9A-Za-z.+-]+)?|[0-9a-f]{40})$`)
)

// checkKustomize reports what is wrong with the component's kustomization.
func (c *component) checkKustomize() []error {
	var errs []error
	bad := func(hint, format string, args ...any) {
		errs = append(errs, schema.Errorf(schema.Invalid, "component %q: "+format, append([]any{c.Name}, args...)...).WithHint("%s", hint))
	}
	k := c.Kustomize
	if k == nil || (k.Source == "") == (len(k.Files) == 0) {
		bad("give one of them", "a kustomization is a source, or files of its own")
		return errs
	}
	if len(c.values) > 0 {
		errs = append(errs, c.takesNone())
	}
	if len(c.Manifests) > 0 {
		bad("list them in kustomization.yaml", "a kustomization has no manifests beside it")
	}
	if k.Source == "" {
		return errs
	}
	if !originForm.MatchString(k.Source) {
		bad("it is https://HOST/OWNER/REPOSITORY", "the source %q is not a Git repository", k.Source)
	}
	if k.Path != "" && (!pathForm.MatchString(k.Path) || slices.Contains(strings.Split(k.Path, "/"), "..")) {
		bad("it is directories with slashes between", "the path %q is not one in a repository", k.Path)
	}
	if !refForm.MatchString(k.Ref) {
		bad("a bundle is the same tomorrow: name a version's tag or a whole commit", "the ref %q of %s is not pinned", k.Ref, k.Source)
	}
	return errs
}

// takesNone refuses values.
func (c *component) takesNone() *schema.Error {
	return schema.Errorf(schema.Invalid, "component %q is a kustomization, which takes no values", c.Name).WithHint("change the kustomization")
}

// addKustomization writes the component's kustomization and its files.
func (j *job) addKustomization(t *Tree, c *component) error {
	resource := "source"
	if k := c.Kustomize; k.Source != "" {
		// https://github.com/kubernetes-sigs/kustomize/blob/master/examples/remoteBuild.md
		resource = k.Source + "//" + k.Path + "?ref=" + k.Ref
	}
	for _, f := range c.files {
		t.add(c.dir()+"/source/"+f.name, f.data)
	}
	return t.addYAML(c.dir()+"/kustomization.yaml", "", kustomizationFile{
		APIVersion: "kustomize.config.k8s.io/v1beta1", Kind: "Kustomization", Namespace: c.Namespace, Resources: []string{resource},
	})
}

// hasKustomization reports whether any component is one.
func (j *job) hasKustomization() bool {
	return slices.ContainsFunc(j.components, (*component).kustomization)
}
