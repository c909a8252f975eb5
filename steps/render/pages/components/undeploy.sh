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
namespaces="{{ range $i, $n := .Namespaces }}{{ if $i }} {{ end }}{{ $n }}{{ end }}"
step=0 steps={{ len .Releases }} failed=''

run() {
  if [ -n "$dry" ]; then echo "+ $*"; else "$@"; fi
}

# remove NAME NAMESPACE [CRD...] removes one release. The objects of its kinds go
# first, while what takes off their finalizers still runs.
remove() {
  name=$1 namespace=$2
  shift 2
  step=$((step + 1))
  if [ -n "$crds" ]; then
    for crd in "$@"; do
      if [ -n "$dry" ] || kubectl get customresourcedefinition "$crd" >/dev/null 2>&1; then
        run kubectl delete "$crd" --all --all-namespaces --ignore-not-found --timeout "$timeout" || failed="$failed $crd"
      fi
    done
  fi
  run helm uninstall "$name" --namespace "$namespace" --ignore-not-found --wait --timeout "$timeout" || failed="$failed $name"
  [ -n "$dry" ] || echo "[$step/$steps] $name: removed"
  if [ -n "$pvcs" ]; then
    run kubectl delete persistentvolumeclaims --namespace "$namespace" --selector "app.kubernetes.io/instance=$name" --ignore-not-found --timeout "$timeout" || failed="$failed $name"
  fi
  if [ -n "$crds" ]; then
    for crd in "$@"; do run kubectl delete customresourcedefinition "$crd" --ignore-not-found --timeout "$timeout" || failed="$failed $crd"; done
  fi
}
{{ range reverse .Releases }}
{{- if .Kustomization }}
run kubectl delete --ignore-not-found -k {{ sh .Chart }}
{{- else }}
remove {{ sh .Name }} {{ sh .Namespace }}{{ range .CRDs }} {{ sh . }}{{ end }}
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
  kinds="{{ range .Releases }}{{ range .CRDs }}{{ . }} {{ end }}{{ end }}"
  for crd in $kinds; do
    if kubectl get customresourcedefinition "$crd" >/dev/null 2>&1; then
      echo "stays: CustomResourceDefinition $crd (--delete-crds)"
    fi
  done
fi
[ -z "$failed" ] || { echo "failed:$failed" >&2; exit 1; }
