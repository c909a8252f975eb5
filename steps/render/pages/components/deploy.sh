#!/bin/sh
# Installs or upgrades {{ .Name }} {{ .Version }}, one Helm release after the other.
# usage: ./deploy.sh [--dry-run]
set -eu
cd "$(dirname "$0")"
dry=

case "$#:${1:-}" in
0:) ;;
1:--dry-run) dry=1 ;;
*) echo "usage: ./deploy.sh [--dry-run]" >&2; exit 2 ;;
esac

run() {
  echo "+ $*"
  [ -n "$dry" ] || "$@"
}
{{- if .Kustomized }}

namespace() {
  echo "+ kubectl create namespace $1"
  [ -n "$dry" ] || kubectl get namespace "$1" >/dev/null 2>&1 || kubectl create namespace "$1"
}
{{- end }}
{{ range .Releases }}
{{- if .Kustomization }}
namespace {{ sh .Namespace }}
run kubectl apply --server-side -k {{ sh .Chart }}
{{- else }}
run helm upgrade --install {{ sh .Name }} {{ sh .Chart }}
{{- with .Repo }} --repo {{ sh . }}{{ end }}
{{- with .Version }} --version {{ sh . }}{{ end }} --namespace {{ sh .Namespace }} --create-namespace
{{- with .Values }} --values {{ sh . }}{{ end }} --wait --timeout 15m
{{- end }}
{{- end }}
