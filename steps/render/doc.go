// Package render turns a recipe into a bundle: the files that a deployer
// (helm, argocd, flux, helmfile) takes. It is pure: the same recipe and
// parameters produce the same bytes on any machine.
//
//	recipe ─ values files ─ --set… ─ node scheduling ─→ components ─ deployer ─→ Tree
//
// # A component's own manifests
//
// They are Helm templates, and they are used unchanged by every deployer. The
// values of component NAME stand under the key NAME:
//
//	{{- $c := index .Values "NAME" }}
//
// In the umbrella chart that is where Helm keeps the values of the sub-chart of
// that name anyway; everywhere else they are a chart of their own
// (components/NAME/manifests) whose values file has that one key. Namespaced
// objects are written to {{ .Release.Namespace }}. They read nothing else: no
// values of other components, no .Chart, no .Release.Name. A file that ends in
// .crd.yaml is shipped as it is, in crds/.
//
// To add a deployer: one file with a function that adds files to a Tree, and
// one line in deployers.
package render
