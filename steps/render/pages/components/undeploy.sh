#!/bin/sh
# Removes {{ .Name }}, in reverse order. Custom resource definitions and namespaces stay{{ if .Kustomized }},
# but for those that a kustomization brings{{ end }}.
# usage: ./undeploy.sh [--dry-run]
set -eu
{{- if .Kustomized }}
cd "$(dirname "$0")"
{{- end }}
dry=

case "$#:${1:-}" in
0:) ;;
1:--dry-run) dry=1 ;;
*) echo "usage: ./undeploy.sh [--dry-run]" >&2; exit 2 ;;
esac

run() {
  echo "+ $*"
  [ -n "$dry" ] || "$@"
}
{{ range reverse .Releases }}
{{- if .Kustomization }}
run kubectl delete --ignore-not-found -k {{ sh .Chart }}
{{- else }}
run helm uninstall {{ sh .Name }} --namespace {{ sh .Namespace }} --ignore-not-found --wait --timeout 15m
{{- end }}
{{- end }}
