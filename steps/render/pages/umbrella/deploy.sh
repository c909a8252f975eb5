#!/bin/sh
# Installs or upgrades {{ .Name }} {{ .Version }} as one Helm release.
# usage: [NAMESPACE=eidos] ./deploy.sh [--dry-run]
set -eu
cd "$(dirname "$0")"
namespace=${NAMESPACE:-eidos}
dry=
{{- if .Vendored }}
chart=.
{{- else }}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chart=$work/{{ .Name }} # a copy: fetching sub-charts adds files
{{- end }}

case "$#:${1:-}" in
0:) ;;
1:--dry-run) dry=1 ;;
*) echo "usage: [NAMESPACE=eidos] ./deploy.sh [--dry-run]" >&2; exit 2 ;;
esac

run() {
  echo "+ $*"
  [ -n "$dry" ] || "$@"
}


{{- if not .Vendored }}

run cp -R . "$chart"
run helm dependency update "$chart"
{{- end }}
{{- if .Late }}
# The first time, the kinds of some manifests come with the sub-charts: install those first.
if [ -n "$dry" ] || ! helm status {{ sh .Name }} --namespace "$namespace" >/dev/null 2>&1; then
  run helm upgrade --install {{ sh .Name }} "$chart" --namespace "$namespace" --create-namespace --set manifests.enabled=false --wait --timeout 30m
fi
{{- end }}
run helm upgrade --install {{ sh .Name }} "$chart" --namespace "$namespace" --create-namespace --wait --timeout 30m
