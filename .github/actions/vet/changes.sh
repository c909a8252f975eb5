#!/bin/bash
# Compares the recipes of the site directory of $BASE with those of the working tree,
# and lists what differs as a table in the step's summary. Only recipes whose digest
# differs are resolved.
set -euo pipefail
if [ -z "${BASE:-}" ] || [ -z "${DATA:-}" ]; then
  echo "there is nothing to compare: a base and a site directory are needed"
  exit 0
fi
work=$(mktemp -d)
trap 'git worktree remove --force "$work/base" 2>/dev/null || true; rm -rf "$work"' EXIT
git worktree add --quiet --detach "$work/base" "$BASE"

# list DIRECTORY writes a line for each recipe: name, digest, flags that ask for it.
list() {
  local data=()
  if [ -d "$1" ]; then
    data=(--data "$1")
  fi
  eidos recipe list "${data[@]}" --format json >"$work/list.json"
  eidos recipe list "${data[@]}" | awk '
    NR == FNR {
      value = $2
      gsub(/[",]/, "", value)
      if (/^    "name":/) name = value # what is nested deeper has names too
      if (/^    "catalog":/) digest[name] = value
      next
    }
    FNR > 1 && (i = index($0, " --")) {
      flags = substr($0, i + 1)
      sub(/  .*/, "", flags) # the next column
      print $1 "\t" digest[$1] "\t" flags
    }' "$work/list.json" -
}
# resolve DIRECTORY LIST NAME prints one recipe.
resolve() {
  local data=() flags
  if [ -d "$1" ]; then
    data=(--data "$1")
  fi
  read -ra flags <<<"$(awk -F '\t' -v name="$3" '$1 == name {print $3}' "$2")"
  eidos -q recipe "${data[@]}" "${flags[@]}" --allow-generic
}
list "$work/base/$DATA" >"$work/before"
list "$DATA" >"$work/after"

summary=${GITHUB_STEP_SUMMARY:-/dev/stdout}
{
  echo "### Recipes that change"
  echo
  changed=0
  # A recipe changes when, and only when, its digest does.
  for name in $(diff "$work/before" "$work/after" | awk -F '[ \t]' '/^[<>]/ {print $2}' | sort -u); do
    if ! grep -q "^$name"$'\t' "$work/before"; then
      what="new"
    elif ! grep -q "^$name"$'\t' "$work/after"; then
      what="removed"
    else
      resolve "$work/base/$DATA" "$work/before" "$name" >"$work/before.yaml"
      resolve "$DATA" "$work/after" "$name" >"$work/after.yaml"
      what=$(eidos -q recipe diff "$work/before.yaml" "$work/after.yaml" | sed 's/|/\\|/g; s/^/`/; s/$/`/' | paste -sd' ' | sed 's/` `/`<br>`/g')
    fi
    if [ $changed = 0 ]; then
      printf '| recipe | what changes |\n|---|---|\n'
    fi
    changed=$((changed + 1))
    printf '| %s | %s |\n' "$name" "$what"
  done
  if [ $changed = 0 ]; then
    echo "None."
  fi
} >>"$summary"
