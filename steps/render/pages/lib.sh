{{- define "start" -}}
set -euf # words from the cluster do not match files
called=$PWD
CDPATH='' cd -- "$(dirname -- "$0")"
[ -f checksums.txt ] || { echo "no bundle in $PWD: run this script where it is" >&2; exit 2; }
# Relative names in KUBECONFIG are those of the directory that this was called in.
config='' IFS=:
for file in ${KUBECONFIG:-}; do
  case "$file" in '' | /*) ;; *) file=$called/$file ;; esac
  config=$config${config:+:}$file
done
unset IFS
[ -z "$config" ] || export KUBECONFIG="$config"
{{- end }}

{{- define "cluster" }}

# cluster prints what helm and kubectl will change, which must be the same cluster.
cluster() {
  if [ -n "${HELM_KUBECONTEXT:-}${HELM_KUBEAPISERVER:-}" ]; then
    echo "HELM_KUBECONTEXT and HELM_KUBEAPISERVER are for helm alone, and kubectl may take another cluster: unset them. Nothing was changed." >&2
    exit 2
  fi
  context=$(kubectl config current-context 2>/dev/null) || context='no context'
  address=$(kubectl config view --minify -o 'jsonpath={.clusters[0].cluster.server}' 2>/dev/null) || address=''
  printf '%s\n' "cluster: $context${address:+, $address}"
}
{{- end }}

{{- define "reachable" }}
if [ -z "$dry" ]; then
  for tool in helm kubectl; do
    command -v "$tool" >/dev/null || { echo "no $tool on the path. Nothing was changed." >&2; exit 1; }
  done
  cluster
  answer=$(kubectl version --request-timeout=20s 2>&1) || { printf '%s\n' "the cluster does not answer: $(printf '%s\n' "$answer" | tail -1). Nothing was changed." >&2; exit 1; }
fi
{{- end }}

{{- define "uninstall" }}

run() {
  if [ -n "$dry" ]; then echo "+ $*"; else "$@"; fi
}

# uninstall NAME NAMESPACE removes one release, and reports one that is not there.
uninstall() {
  set -- "$1" uninstall "$1" --namespace "$2" --wait --timeout "$timeout"
  name=$1
  shift
  if [ -n "$dry" ]; then
    echo "+ helm $*"
  elif answer=$(helm "$@" 2>&1); then
    printf '%s\n' "$answer" | sed '/^release ".*" uninstalled$/d; /^$/d'
    echo "[$step/$steps] $name: removed"
  else
    case "$answer" in
    *'release: not found'*) echo "[$step/$steps] $name: not there" ;;
    *) printf '%s\n' "[$step/$steps] $name: FAILED" "$answer" >&2; failed="$failed $name" ;;
    esac
  fi
}
{{- end }}

{{- define "options" -}}
dry='' only='' from='' retries=2 wait=1 best='' again='' verify=''
while [ $# -gt 0 ]; do
  case "$1" in
  --dry-run) dry=1 ;;
{{- if not .Umbrella }}
  --only) [ -n "${2:-}" ] || usage 2; only="$only $2 "; shift ;;
  --from) [ -n "${2:-}" ] || usage 2; from=$2; shift ;;
  --best-effort) best=1 ;;
{{- end }}
  --retries) [ $# -gt 1 ] || usage 2; retries=$2; shift ;;
  --no-wait) wait='' ;;
  --timeout) [ $# -gt 1 ] || usage 2; timeout=$2; shift ;;
  --again) again=1 ;;
  --verify) [ -n "${2:-}" ] || usage 2; verify=$2; shift ;;
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
case "$retries" in '' | *[!0-9]*) echo "--retries takes a number" >&2; exit 2 ;; esac
{{ template "time" . }}
{{- if not .Umbrella }}
components=" {{ range .Components }}{{ .Name }} {{ end }}"
for word in $only $from; do
  case "$components" in
  *" $word "*) ;;
  *) echo "no component $word here; there are$components" >&2; exit 2 ;;
  esac
done
{{- end }}
{{- end }}

{{- define "time" -}}
case "$timeout" in
0) ;;
'' | [!0-9]* | *[!smh] | *[!0-9.smh]* | *[smh][!0-9]* | *.[!0-9]* | *.*.*) echo "--timeout takes a time such as 90s or 15m" >&2; exit 2 ;;
esac
{{- end }}

{{- define "namespace" -}}
case "$namespace" in -* | *[!a-z0-9-]*) echo "NAMESPACE takes the name of a namespace" >&2; exit 2 ;; esac
{{- end }}

{{- define "verify" }}
if [ -n "$verify" ]; then
  case "$verify" in /*) ;; *) verify=$called/$verify ;; esac
  command -v eidos >/dev/null || { echo "--verify needs eidos on the path" >&2; exit 1; }
  eidos verify "$PWD" --policy "$verify" || { echo "Nothing was changed." >&2; exit 1; }
fi
{{- end }}

{{- define "preflight" }}

problem() {
  printf 'preflight: %s\n' "$*" >&2
  problems=$((problems + 1))
}

# plain leaves of lines from the cluster what names are made of.
plain() {
  LC_ALL=C tr -c '\na-z0-9 =./-' _
}

# preflight finds what would make an installation fail, all of it, before anything is changed.
preflight() {
  problems=0
  for tool in helm kubectl; do
    command -v "$tool" >/dev/null || problem "no $tool on the path"
  done
  [ "$problems" = 0 ] || return 1
  cluster
  version=$(helm version --template '{{"{{.Version}}"}}' 2>/dev/null || true)
  at_least "${version#v}" 3.14 || problem "helm is ${version:-of an unknown version}, and 3.14 or newer is needed"
  server=$(kubectl version --request-timeout=20s -o yaml 2>/dev/null | sed -n '/^serverVersion:/,$s/^ *gitVersion: v*//p' | head -1)
  if [ -z "$server" ]; then
    problem "the cluster does not answer: $(kubectl version --request-timeout=20s 2>&1 | tail -1)"
    return 1
  fi
{{- with .Kubernetes }}
  at_least "$server" {{ . }} || problem "the cluster has Kubernetes $server, and this bundle was proven with {{ . }} or newer"
{{- end }}
  kubectl auth can-i create namespaces >/dev/null 2>&1 || problem "you may not create namespaces; cluster-admin is what this needs"
  kubectl auth can-i create customresourcedefinitions.apiextensions.k8s.io >/dev/null 2>&1 || problem "you may not create CustomResourceDefinitions"
  for ns in $namespaces; do
    [ "$(kubectl get namespace "$ns" -o 'jsonpath={.status.phase}' 2>/dev/null)" != Terminating ] ||
      problem "namespace $ns is being deleted and waits for something: kubectl get namespace $ns -o yaml says for what"
  done
  for api in $(kubectl get apiservices.apiregistration.k8s.io -o 'jsonpath={range .items[*]}{.metadata.name}={.status.conditions[?(@.type=="Available")].status}{"\n"}{end}' 2>/dev/null | sed -n 's/=False$//p'); do
    problem "the API $api is not available, which blocks Helm and the deletion of namespaces: kubectl get apiservice $api"
  done
  stale_webhooks | while read -r kind name service; do
    printf '%s\n' "preflight: $kind $name calls the service $service, which is not there: kubectl delete $kind $name" >&2
  done
  [ -z "$(stale_webhooks)" ] || problems=$((problems + 1))
  owned=$(kubectl get customresourcedefinitions -o 'jsonpath={range .items[*]}{.metadata.name}={.metadata.annotations.meta\.helm\.sh/release-namespace}/{.metadata.annotations.meta\.helm\.sh/release-name}{"\n"}{end}' 2>/dev/null | plain | grep -v '=/$') || true
  printf '%s\n' "$owned" | sed -n 's/^[^=]*=//p' | sort -u | while IFS= read -r owner; do
    helm status --namespace "${owner%%/*}" -- "${owner#*/}" >/dev/null 2>&1 </dev/null ||
      printf '%s\n' "preflight: the CustomResourceDefinitions $(printf '%s\n' "$owned" | while IFS='=' read -r crd of; do [ "$of" != "$owner" ] || printf '%s ' "$crd"; done)are of the release $owner, which is gone; Helm adopts them only under that name" >&2
  done
  [ "$problems" = 0 ]
}

# stale_webhooks lists webhooks whose service is gone: they refuse what they should admit.
stale_webhooks() {
  for kind in validatingwebhookconfigurations mutatingwebhookconfigurations; do
    kubectl get "$kind" -o 'jsonpath={range .items[*]}{.metadata.name}{" "}{range .webhooks[*]}{.clientConfig.service.namespace}/{.clientConfig.service.name}{" "}{end}{"\n"}{end}' 2>/dev/null | plain |
      while read -r name services; do
        for service in $services; do
          [ "$service" != / ] || continue
          kubectl get service --namespace "${service%%/*}" -- "${service#*/}" >/dev/null 2>&1 </dev/null || { printf '%s\n' "$kind $name $service"; break; }
        done
      done
  done
}

# at_least A B: is version A, of up to three numbers, B or newer?
at_least() {
  a=${1%%[-+]*}.0.0 b=$2.0.0
  for _ in 1 2 3; do
    x=${a%%.*} y=${b%%.*}
    case "$x" in '' | *[!0-9]*) return 1 ;; esac
    [ "$x" -le "$y" ] || return 0
    [ "$x" -eq "$y" ] || return 1
    a=${a#*.} b=${b#*.}
  done
}
{{- end }}

{{- define "install" }}
{{- if .Dynamic }}

# What is set at installation: Helm checks it and writes the values of each component.
installed=$work/install-values/templates
read_values() {
  [ ! -f "$install" ] || set -- --values "$install" "$@"
  helm template install {{ .InstallDir }} "$@" --output-dir "$work" >"$work/log" 2>&1 || { printf '%s\n' "$install: $(cat "$work/log")" >&2; exit 2; }
}
read_values
{{- if .Required }}
missing=$(sed -n "s/^missing: '\(.*\)'/\1/p" "$installed/missing.yaml") notset=''

# ask NUMBER NAME KIND asks for a value that is missing, if somebody is there to answer.
ask() {
  case "$missing" in *" $1 "*) ;; *) return 1 ;; esac
  if [ ! -t 0 ]; then
    notset="$notset${notset:+, }$2"
    return 1
  fi
  answer=''
  while [ -z "$answer" ]; do
    printf '%s (%s): ' "$2" "$3" >&2
    read -r answer || { echo "no answer" >&2; exit 2; }
  done
  flag=--set-json value=$answer
  case "$3:$answer" in
  number:* | bool:* | any:true | any:false | any:0) return 0 ;;
  any:0* | any:*[!0-9]* | string:*) flag=--set-file value=$work/answer-$1 && printf %s "$answer" >"$value" ;;
  esac
}
set --
{{- range $i, $d := .Dynamic }}{{ if .Required }}
ask {{ $i }} {{ sh .Name }} {{ .Kind }} && set -- "$@" "$flag" {{ sh .Path }}="$value"
{{- end }}{{ end }}
if [ -n "$notset" ]; then
  echo "set at installation, and not set: $notset (--install-values FILE, or $install; on a terminal this asks)" >&2
  exit 2
fi
if [ $# -gt 0 ]; then
  read_values "$@"
  if [ -n "$dry" ] || [ -f "$install" ]; then
    echo "Put this into $install, and it is not asked again:"
    sed '/^---$/d; /^# Source: /d; s/^/    /' "$installed/required.yaml"
  else
    sed '/^---$/d; /^# Source: /d' "$installed/required.yaml" >"$install"
    echo "Your answers are in $install."
  fi
fi
{{- end }}
{{- end }}
{{- end }}

{{- define "release" }}

# chosen COMPONENT: is it asked for?
chosen() {
  [ "$1" != "$from" ] || from=
  [ -z "$from" ] || return 1
  case "$only" in '' | *" $1 "*) return 0 ;; esac
  return 1
}

# release COMPONENT NAME NAMESPACE CHART [ARGUMENT...] installs or upgrades one Helm release.
release() {
  component=$1 name=$2 namespace=$3 chart=$4
  shift 4
  step=$((step + 1))
  chosen "$component" || return 0
  # What a release is made of becomes a label of it, and which revision that is: an
  # unchanged one is left alone. Helm keeps labels when somebody upgrades it by hand.
  made=$( (for word in "$name" "$@"; do printf '%s\n' "${word#"$work/"}"; done; inputs "${source:-$chart}" "$@") | cksum | tr ' ' -)
  set -- upgrade --install "$name" "$chart" --namespace "$namespace" --create-namespace "$@" --timeout "$timeout"
  [ -z "$wait" ] || set -- "$@" --wait
  if [ -n "$dry" ]; then
    echo "+ helm $*"
    return 0
  fi
  if [ -z "$again" ] && [ -n "$(helm list --namespace "$namespace" --filter "^$name\$" --selector "eidos=$made,eidos-revision=$(revision)" --deployed --short 2>/dev/null)" ]; then
    echo "[$step/$steps] $name: unchanged"
    return 0
  fi
  try=0
  while :; do
    # A run that was killed leaves a release pending, and Helm refuses to touch it.
    for pending in $(kubectl get secrets --namespace "$namespace" --selector "owner=helm,name=$name,status in (pending-install,pending-upgrade,pending-rollback)" -o name 2>/dev/null); do
      echo "[$step/$steps] $name: a run before this one was broken off; its record is removed"
      kubectl delete --namespace "$namespace" "$pending" >/dev/null
    done
    began=$(date +%s)
    if helm "$@" --labels "eidos=$made,eidos-revision=$(($(revision) + 1))" >"$log" 2>&1; then
      echo "[$step/$steps] $name: installed in $(($(date +%s) - began)) s"
      return 0
    fi
    [ "$try" -lt "$retries" ] || break
    try=$((try + 1))
    printf '%s\n' "[$step/$steps] $name: failed, try $((try + 1)) of $((retries + 1)): $(tail -1 "$log")"
    sleep "${PAUSE:-$((try * 5))}"
  done
  echo "[$step/$steps] $name: FAILED" >&2
  sed 's/^/    /' "$log" >&2
  kubectl get pods --namespace "$namespace" 2>/dev/null | grep -v Running | sed 's/^/    /' >&2 || true
  failed="$failed $component"
  [ -n "$best" ] || { echo "Fix it and run this again: it goes on where it stopped." >&2; exit 1; }
}

# revision prints the last revision of the release, of any status.
revision() {
  helm history "$name" --namespace "$namespace" --max 1 2>/dev/null | sed -n '2s/^\([0-9]*\).*/\1/p'
}

# kustomization COMPONENT NAMESPACE DIRECTORY applies one kustomization.
kustomization() {
  step=$((step + 1))
  chosen "$1" || return 0
  if [ -n "$dry" ]; then
    echo "+ kubectl apply --server-side --field-manager eidos -k $3"
    return 0
  fi
  kubectl get namespace "$2" >/dev/null 2>&1 || kubectl create namespace "$2" >/dev/null
  if kubectl apply --server-side --field-manager eidos -k "$3" >"$log" 2>&1; then
    echo "[$step/$steps] $1: applied"
    return 0
  fi
  echo "[$step/$steps] $1: FAILED" >&2
  sed 's/^/    /' "$log" >&2
  failed="$failed $1"
  [ -n "$best" ] || { echo "Fix it and run this again: it goes on where it stopped." >&2; exit 1; }
}

# inputs CHART ARGUMENT... prints the files that a release is made of.
inputs() {
  if [ -d "$1" ]; then
    find "$1" -type f ! -name '*.sh' ! -path '*/.git/*' | LC_ALL=C sort | while read -r file; do cat "$file"; done
  elif [ -f "$1" ]; then
    cat "$1"
  fi
  while [ $# -gt 1 ]; do
    [ "$1" != --values ] || cat "$2"
    shift
  done
}

# finish reports what is running.
finish() {
  [ -z "$dry" ] || return 0
  echo
  for ns in $namespaces; do helm list --namespace "$ns" 2>/dev/null | sed "$first"; first=1d; done
  [ -z "$failed" ] || { echo "failed:$failed" >&2; exit 1; }
}
{{- end }}
