#!/bin/sh
# Removes {{ .Name }}. Custom resource definitions and the namespace stay.
# usage: [NAMESPACE=eidos] ./undeploy.sh [--dry-run]
{{ template "start" . }}
namespace=${NAMESPACE:-eidos}
dry=

case "$#:${1:-}" in
0:) ;;
1:--dry-run) dry=1 ;;
*) echo "usage: [NAMESPACE=eidos] ./undeploy.sh [--dry-run]" >&2; exit 2 ;;
esac
{{- template "cluster" . }}
{{- template "reachable" . }}

run() {
  echo "+ $*"
  [ -n "$dry" ] || "$@"
}

run helm uninstall {{ sh .Name }} --namespace "$namespace" --ignore-not-found --wait --timeout 30m
