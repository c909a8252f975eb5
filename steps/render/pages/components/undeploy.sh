#!/bin/sh
# Removes {{ .Name }}, in reverse order. Custom resource definitions and namespaces stay.
# usage: ./undeploy.sh [--dry-run]
set -eu
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
run helm uninstall {{ sh .Name }} --namespace {{ sh .Namespace }} --ignore-not-found --wait --timeout 15m
{{- end }}
