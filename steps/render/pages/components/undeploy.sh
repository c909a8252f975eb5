#!/bin/sh
# Removes {{ .Name }}, in reverse order, and reports what stays.
set -eu
cd "$(dirname "$0")"

usage() {
  cat <<'END'
usage: ./undeploy.sh [OPTION...]
  --dry-run          print the commands and change nothing
  --delete-crds      also the CustomResourceDefinitions, with all their objects
  --delete-pvcs      also the PersistentVolumeClaims of the releases, with their data
  --keep-namespaces  leave the namespaces, also empty ones
  --timeout TIME     for each release, 15m if not given
END
  exit "$1"
}

dry='' crds='' pvcs='' keep='' timeout=15m
while [ $# -gt 0 ]; do
  case "$1" in
  --dry-run) dry=1 ;;
  --delete-crds) crds=1 ;;
  --delete-pvcs) pvcs=1 ;;
  --keep-namespaces) keep=1 ;;
  --timeout) [ $# -gt 1 ] || usage 2; timeout=$2; shift ;;
  -h | --help) usage 0 ;;
  *) echo "unknown option $1" >&2; usage 2 ;;
  esac
  shift
done
{{ template "time" . }}
if [ -z "$dry" ]; then
  for tool in helm kubectl; do
    command -v "$tool" >/dev/null || { echo "no $tool on the path. Nothing was changed." >&2; exit 1; }
  done
  answer=$(kubectl version --request-timeout=20s 2>&1) || { echo "the cluster does not answer: $(echo "$answer" | tail -1). Nothing was changed." >&2; exit 1; }
fi
namespaces="{{ range $i, $n := .Namespaces }}{{ if $i }} {{ end }}{{ $n }}{{ end }}"
step=0 steps={{ len .Releases }} failed=''

run() {
  if [ -n "$dry" ]; then echo "+ $*"; else "$@"; fi
}

# defined NAME... prints which of these CustomResourceDefinitions the cluster has.
defined() {
  [ $# -eq 0 ] || kubectl get customresourcedefinitions "$@" --ignore-not-found -o name | sed 's|.*/||'
}

# packed CHART [ARGUMENT...] prints which of the CustomResourceDefinitions in the
# folder crds of a chart the cluster has.
packed() {
  helm show crds "$@" 2>/dev/null | kubectl get -f - --ignore-not-found -o name 2>/dev/null | sed 's|.*/||'
}

# remove NAME NAMESPACE [CRD...] removes one release. The objects of its kinds go
# first, while what takes off their finalizers still runs.
remove() {
  name=$1 namespace=$2
  shift 2
  step=$((step + 1))
  kinds=''
  if [ -n "$crds" ]; then
    kinds=$*
    [ -n "$dry" ] || kinds=$(defined "$@" | tr '\n' ' ')
  fi
  kinds=${kinds% }
  if [ -n "$kinds" ]; then
    run kubectl delete "$(echo "$kinds" | tr ' ' ,)" --all --all-namespaces --ignore-not-found --timeout "$timeout" || failed="$failed $name"
  fi
  if ! run helm uninstall "$name" --namespace "$namespace" --ignore-not-found --wait --timeout "$timeout"; then
    failed="$failed $name"
  elif [ -z "$dry" ]; then
    echo "[$step/$steps] $name: removed"
  fi
  if [ -n "$pvcs" ]; then
    run kubectl delete persistentvolumeclaims --namespace "$namespace" --selector "app.kubernetes.io/instance=$name" --ignore-not-found --timeout "$timeout" || failed="$failed $name"
  fi
  # shellcheck disable=SC2086 # a list of names
  [ -z "$kinds" ] || run kubectl delete customresourcedefinitions $kinds --ignore-not-found --timeout "$timeout" || failed="$failed $name"
}
{{ range reverse .Releases }}
{{- if .Kustomization }}
run kubectl delete --ignore-not-found -k {{ sh .Chart }}
{{- else }}
{{- if .Unknown }}
# No facts of this chart are in the catalogue: Helm is asked for its definitions.
found=''
if [ -n "$crds" ]; then found=$(packed {{ sh .Chart }}{{ with .Repo }} --repo {{ sh . }}{{ end }}{{ with .Version }} --version {{ sh . }}{{ end }}); fi
# shellcheck disable=SC2086 # a list of names
remove {{ sh .Name }} {{ sh .Namespace }} $found
{{- else }}
remove {{ sh .Name }} {{ sh .Namespace }}{{ range .CRDs }} {{ sh . }}{{ end }}
{{- end }}
{{- end }}
{{- end }}

for ns in $namespaces; do
  case "$ns" in default | kube-*) continue ;; esac
  if [ -n "$dry" ]; then
    [ -n "$keep" ] || echo "+ kubectl delete namespace $ns # if nothing is left in it"
    continue
  fi
  kubectl get namespace "$ns" >/dev/null 2>&1 || continue
  left=$(kubectl get pods,persistentvolumeclaims,services --namespace "$ns" -o name 2>/dev/null | tr '\n' ' ')
  releases=$(helm list --namespace "$ns" --short 2>/dev/null | tr '\n' ' ')
  if [ -n "$keep" ] || [ -n "$left$releases" ]; then
    echo "stays: namespace $ns${left:+, with $left}${releases:+, with the releases $releases}"
  else
    kubectl delete namespace "$ns" --timeout "$timeout" || failed="$failed $ns"
  fi
done
if [ -z "$dry$crds" ]; then
  defined{{ range .Releases }}{{ range .CRDs }} {{ sh . }}{{ end }}{{ end }} | sed 's/.*/stays: CustomResourceDefinition & (--delete-crds)/'
fi
[ -z "$failed" ] || { echo "failed:$failed" >&2; exit 1; }
