#!/bin/sh
# Removes {{ .Name }}. CustomResourceDefinitions and the namespace stay.
{{ template "start" . }}

usage() {
  cat <<'END'
usage: [NAMESPACE=eidos] ./undeploy.sh [OPTION...]
  --dry-run        print the command and change nothing
  --timeout TIME   for the release, 30m if not given
END
  exit "$1"
}

dry='' namespace=${NAMESPACE:-eidos} timeout=30m
while [ $# -gt 0 ]; do
  case "$1" in
  --dry-run) dry=1 ;;
  --timeout) [ $# -gt 1 ] || usage 2; timeout=$2; shift ;;
  -h | --help) usage 0 ;;
  *) echo "unknown option $1" >&2; usage 2 ;;
  esac
  shift
done
{{ template "time" . }}
{{ template "namespace" . }}
step=1 steps=1 failed=''
{{- template "cluster" . }}
{{- template "reachable" . }}
{{- template "uninstall" . }}

uninstall {{ sh .Name }} "$namespace"
[ -z "$failed" ] || exit 1
if [ -z "$dry" ] && kubectl get namespace "$namespace" >/dev/null 2>&1; then
  echo "stays: namespace $namespace, and the CustomResourceDefinitions of the charts"
fi
