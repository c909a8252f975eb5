#!/bin/sh
# Removes {{ .Name }}, in reverse order, and reports what stays.
{{ template "start" . }}

usage() {
  cat <<'END'
usage: ./undeploy.sh [OPTION...]
  --dry-run          print the commands and change nothing
  --delete-crds      also the CustomResourceDefinitions, with all their objects
  --delete-pvcs      also the PersistentVolumeClaims of the releases, with their data
  --keep-namespaces  leave the namespaces, also those in which nothing is left
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
{{- template "cluster" . }}
{{- template "reachable" . }}
served=''
if [ -n "$crds" ] && [ -z "$dry" ]; then
  served=$(kubectl api-resources --verbs delete --output name 2>/dev/null | tr '\n' ' ')
  [ -n "$served" ] || { echo "the kinds of the cluster cannot be read. Nothing was changed." >&2; exit 1; }
fi
namespaces="{{ range $i, $n := .Namespaces }}{{ if $i }} {{ end }}{{ $n }}{{ end }}"
step=0 steps={{ len .Releases }} failed=''
{{- template "uninstall" . }}

# names OBJECTS prints the names of those that are CustomResourceDefinitions.
names() {
  printf '%s\n' "$1" | sed -n 's|^customresourcedefinition[^/]*/||p'
}

# unknown NAME: the CustomResourceDefinitions of a release cannot be read.
unknown() {
  echo "the CustomResourceDefinitions of $1 are not known, and stay" >&2
  failed="$failed $1"
}

# defined NAME... prints which of these CustomResourceDefinitions the cluster has.
defined() {
  [ $# -gt 0 ] || return 0
  found=$(kubectl get customresourcedefinitions "$@" --ignore-not-found -o name) || return 1
  names "$found"
}

# look NAMESPACE lists in left what is there but for what the cluster itself makes;
# seen is empty if that cannot be read.
look() {
  seen=''
  left=$(kubectl get pods,replicationcontrollers,deployments,daemonsets,statefulsets,replicasets,jobs,cronjobs,services,configmaps,secrets,persistentvolumeclaims --namespace "$1" -o name) || return 1
  left=$(printf '%s\n' "$left" | sed -e '/^configmap\/kube-root-ca\.crt$/d' -e '/^configmap\/openshift-service-ca\.crt$/d' -e '/^secret\/.*-dockercfg-[a-z0-9]*$/d' | tr '\n' ' ')
  left=${left% } seen=1
}

# packed CHART [ARGUMENT...] prints which of the CustomResourceDefinitions in the
# folder crds of a chart the cluster has.
packed() {
  folder=$(helm show crds "$@") || return 1
  case "$folder" in *CustomResourceDefinition*) ;; *) return 0 ;; esac
  found=$(printf '%s\n' "$folder" | kubectl get -f - --ignore-not-found -o name) || return 1
  names "$found"
}

# remove NAME NAMESPACE [CRD...] removes one release. The objects of its kinds go
# first, while what takes off their finalizers still runs.
remove() {
  name=$1 namespace=$2
  shift 2
  step=$((step + 1))
  kinds='' list=''
  if [ -n "$crds" ]; then
    kinds=$*
    [ -n "$dry" ] || kinds=$(defined "$@") || unknown "$name"
  fi
  # kubectl refuses the whole list for one kind that is not served: the objects of that
  # go with its definition.
  for kind in $kinds; do
    case "$dry $served" in 1* | *" $kind "*) list=$list${list:+,}$kind ;; esac
  done
  if [ -n "$list" ]; then
    run kubectl delete "$list" --all --all-namespaces --ignore-not-found --timeout "$timeout" || failed="$failed $name"
  fi
  uninstall "$name" "$namespace"
  if [ -n "$pvcs" ]; then
    run kubectl delete persistentvolumeclaims --namespace "$namespace" --selector "app.kubernetes.io/instance=$name" --ignore-not-found --timeout "$timeout" || failed="$failed $name"
  fi
  # shellcheck disable=SC2086 # a list of names
  [ -z "$kinds" ] || run kubectl delete customresourcedefinitions $kinds --ignore-not-found --timeout "$timeout" || failed="$failed $name"
}
{{- if .Kustomized }}

# kustomization COMPONENT DIRECTORY removes the objects of one kustomization.
kustomization() {
  step=$((step + 1))
  if ! run kubectl delete --ignore-not-found --timeout "$timeout" -k "$2"; then
    failed="$failed $1"
  elif [ -z "$dry" ]; then
    echo "[$step/$steps] $1: removed"
  fi
}
{{- end }}
{{ range reverse .Releases }}
{{- if .Kustomization }}
kustomization {{ .Component }} {{ sh .Chart }}
{{- else }}
{{- if .Unknown }}
# No facts of this chart are in the catalogue: Helm is asked for its definitions.
found=''
if [ -n "$crds" ]; then found=$(packed {{ sh .Chart }}{{ with .Repo }} --repo {{ sh . }}{{ end }}{{ with .Version }} --version {{ sh . }}{{ end }}) || unknown {{ sh .Name }}; fi
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
  # What others put there, such as a Secret, is not ours to delete. Pods of the releases
  # may take a while to end.
  tries=30
  while look "$ns" && [ -z "$keep" ] && [ "$tries" -gt 0 ]; do
    case " $left" in *" pod/"*) sleep "${PAUSE:-2}" ;; *) break ;; esac
    tries=$((tries - 1))
  done
  if [ -z "$seen" ] || ! releases=$(helm list --namespace "$ns" --short); then
    echo "stays: namespace $ns, what is in it cannot be read" >&2
    failed="$failed $ns"
    continue
  fi
  releases=$(printf %s "$releases" | tr '\n' ' ')
  if [ -n "$keep" ]; then
    echo "stays: namespace $ns"
  elif [ -n "$left$releases" ]; then
    echo "stays: namespace $ns${left:+, with $left}${releases:+, with the releases $releases}; kubectl delete namespace $ns removes it with that"
  else
    kubectl delete namespace "$ns" --timeout "$timeout" || failed="$failed $ns"
  fi
done
if [ -z "$dry$crds" ]; then
  { defined{{ range .Releases }}{{ range .CRDs }} {{ sh . }}{{ end }}{{ end }} || echo "CustomResourceDefinitions that stay cannot be read" >&2; } | sed 's/.*/stays: CustomResourceDefinition & (--delete-crds)/'
fi
[ -z "$failed" ] || { echo "failed:$failed" >&2; exit 1; }
