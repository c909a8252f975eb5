#!/bin/sh
# Installs or upgrades {{ .Name }} {{ .Version }}, one Helm release after the other.
# What is installed and unchanged is left alone: after a failure, run it again.
{{ template "start" . }}

usage() {
  cat <<'END'
usage: ./deploy.sh [OPTION...]
  --dry-run        print the commands and change nothing
  --only NAME      this component only; may be repeated
  --from NAME      this component and those after it
  --retries N      tries after a failure, 2 if not given
  --timeout TIME   for each release, 15m if not given
  --no-wait        do not wait until a release is ready
  --best-effort    go on after a failure, and report it at the end
  --again          also what is unchanged
  --verify FILE    first check this directory by the trust policy in FILE, with eidos
{{- if .Dynamic }}
  --install-values FILE
                   the values that are set at installation, ../{{ .InstallFile }} if not given
{{- end }}
END
  exit "$1"
}

{{ if .Dynamic }}install=../{{ .InstallFile }}
{{ end }}timeout=15m
{{ template "options" . }}
namespaces="{{ range $i, $n := .Namespaces }}{{ if $i }} {{ end }}{{ $n }}{{ end }}"
step=0 steps={{ len .Releases }} failed='' first='' source=''
{{- template "verify" . }}
{{- template "cluster" . }}
{{- template "preflight" . }}
{{- template "release" . }}

work=$(mktemp -d)
log=$work/log
trap 'rm -rf "$work"' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
{{- template "install" . }}
[ -n "$dry" ] || preflight || { echo "Nothing was changed." >&2; exit 1; }
{{- if .Labelled }}
if [ -n "$dry" ]; then echo "+ kubectl apply --server-side --field-manager eidos -f namespaces.yaml"; else
  kubectl apply --server-side --field-manager eidos -f namespaces.yaml >/dev/null
fi
{{- end }}
{{ range .Releases }}
{{- if .Kustomization }}
kustomization {{ .Component }} {{ sh .Namespace }} {{ sh .Chart }}
{{- else }}
release {{ .Component }} {{ sh .Name }} {{ sh .Namespace }} {{ sh .Chart }}
{{- with .Repo }} --repo {{ sh . }}{{ end }}
{{- with .Version }} --version {{ sh . }}{{ end }}
{{- with .Values }} --values {{ sh . }}{{ end }}
{{- with .Install }} --values "$installed/{{ . }}"{{ end }}
{{- if .Ready }} --wait-for-jobs{{ end }}
{{- end }}
{{- end }}

finish
