#!/bin/sh
# Installs or upgrades {{ .Name }} {{ .Version }} as one Helm release.
# What is installed and unchanged is left alone: after a failure, run it again.
{{ template "start" . }}

usage() {
  cat <<'END'
usage: [NAMESPACE=eidos] ./deploy.sh [OPTION...]
  --dry-run        print the commands and change nothing
  --retries N      tries after a failure, 2 if not given
  --timeout TIME   for the release, 30m if not given
  --no-wait        do not wait until the release is ready
  --again          also if it is unchanged
  --verify FILE    first check this directory by the trust policy in FILE, with eidos
{{- if .Dynamic }}
  --install-values FILE
                   the values that are set at installation, ../{{ .InstallFile }} if not given
{{- end }}
END
  exit "$1"
}

{{ if .Dynamic }}install=../{{ .InstallFile }}
{{ end }}namespace=${NAMESPACE:-eidos} timeout=30m
{{ template "options" . }}
{{ template "namespace" . }}
namespaces=$namespace
step=0 steps=1 failed='' first='' source=.
{{- template "verify" . }}
{{- template "cluster" . }}
{{- template "preflight" . }}
{{- template "release" . }}

run() {
  if [ -n "$dry" ]; then echo "+ $*"; else "$@"; fi
}

work=$(mktemp -d)
log=$work/log
trap 'rm -rf "$work"' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
{{- template "install" . }}
[ -n "$dry" ] || preflight || { echo "Nothing was changed." >&2; exit 1; }
{{- if .Privileged }}
if [ -n "$dry" ] || ! kubectl get namespace "$namespace" >/dev/null 2>&1; then run kubectl create namespace "$namespace"; fi
run kubectl label namespace "$namespace" pod-security.kubernetes.io/enforce=privileged --overwrite
{{- end }}
{{- if .Vendored }}
chart=.
{{- else }}
chart=$work/{{ .Name }} # a copy: fetching sub-charts adds files
run cp -R . "$chart"
[ -n "$dry" ] || chmod -R u+w "$chart"
run helm dependency update "$chart" >"$work/dependencies" || { cat "$work/dependencies" >&2; exit 1; }
[ -z "$dry" ] || cat "$work/dependencies"
{{- end }}
{{- if .Moved }}
# Some values name services of other components, which are in the release's namespace.
values=values.yaml
if [ "$namespace" != {{ .Namespace }} ]; then
  values=$work/values.yaml
  sed "s/\.{{ .Namespace }}\.svc/.$namespace.svc/g" values.yaml >"$values"
fi
{{- end }}
{{- if .Late }}
# The first time, the kinds of some manifests come with the sub-charts: install those first.
if [ -n "$dry" ] || ! helm status {{ sh .Name }} --namespace "$namespace" >/dev/null 2>&1; then
  steps=2
  release {{ sh .Name }} {{ sh .Name }} "$namespace" "$chart"{{ if .Moved }} --values "$values"{{ end }} --set manifests.enabled=false{{ if .Dynamic }} --values "$installed/all.yaml"{{ end }}
fi
{{- end }}
release {{ sh .Name }} {{ sh .Name }} "$namespace" "$chart"{{ if .Moved }} --values "$values"{{ end }}{{ if .Dynamic }} --values "$installed/all.yaml"{{ end }}

finish
