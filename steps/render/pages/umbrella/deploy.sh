#!/bin/sh
# Installs or upgrades {{ .Name }} {{ .Version }} as one Helm release.
# What is installed and unchanged is left alone: after a failure, run it again.
set -eu
called=$PWD
cd "$(dirname "$0")"

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
{{ end }}namespace=${NAMESPACE:-eidos} dry='' only='' from='' retries=2 wait=1 best='' timeout=30m again='' verify=''
while [ $# -gt 0 ]; do
  case "$1" in
  --dry-run) dry=1 ;;
  --retries) [ $# -gt 1 ] || usage 2; retries=$2; shift ;;
  --no-wait) wait='' ;;
  --timeout) [ $# -gt 1 ] || usage 2; timeout=$2; shift ;;
  --again) again=1 ;;
  --verify) [ $# -gt 1 ] || usage 2; verify=$2; shift ;;
{{- if .Dynamic }}
  --install-values)
    [ $# -gt 1 ] || usage 2
    case "$2" in /*) install=$2 ;; *) install=$called/$2 ;; esac
    [ -f "$install" ] || { echo "--install-values: no file $install" >&2; exit 2; }
    shift
    ;;
{{- end }}
  -h | --help) usage 0 ;;
  *) echo "unknown option $1" >&2; usage 2 ;;
  esac
  shift
done
namespaces=$namespace
step=0 steps=1 failed='' first='' source=.
{{- template "verify" . }}
{{- template "preflight" . }}
{{- template "release" . }}

run() {
  if [ -n "$dry" ]; then echo "+ $*"; else "$@"; fi
}

work=$(mktemp -d)
log=$work/log
trap 'rm -rf "$work"' EXIT
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
