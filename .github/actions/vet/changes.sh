#!/bin/bash
# Resolves every recipe with the site directory of $BASE and with that of the
# working tree, and lists those that differ, as a table in the step's summary.
set -euo pipefail
if [ -z "${BASE:-}" ] || [ -z "${DATA:-}" ]; then
  echo "there is nothing to compare: a base and a site directory are needed"
  exit 0
fi
work=$(mktemp -d)
trap 'git worktree remove --force "$work/base" 2>/dev/null || true; rm -rf "$work"' EXIT
git worktree add --quiet --detach "$work/base" "$BASE"

# resolve DIRECTORY OUT writes a file for each recipe, named after it.
resolve() {
  mkdir -p "$2"
  local data=() name flags
  if [ -d "$1" ]; then
    data=(--data "$1")
  fi
  eidos recipe list "${data[@]}" | awk 'NR > 1 && (i = index($0, " --")) {print $1 "\t" substr($0, i + 1)}' >"$2.list"
  while IFS=$'\t' read -r name flags; do
    read -ra flags <<<"$flags"
    eidos -q recipe "${data[@]}" "${flags[@]}" --allow-generic -o "$2/$name.yaml"
  done <"$2.list"
}
resolve "$work/base/$DATA" "$work/before"
resolve "$DATA" "$work/after"

summary=${GITHUB_STEP_SUMMARY:-/dev/stdout}
{
  echo "### Recipes that change"
  echo
  changed=0
  for name in $(cat "$work/before.list" "$work/after.list" | cut -f1 | sort -u); do
    before=$work/before/$name.yaml after=$work/after/$name.yaml
    if [ ! -f "$before" ]; then
      what="new"
    elif [ ! -f "$after" ]; then
      what="removed"
    elif cmp -s "$before" "$after"; then
      continue
    else
      what=$(eidos -q recipe diff "$before" "$after" | sed 's/|/\\|/g; s/^/`/; s/$/`/' | paste -sd' ' | sed 's/` `/`<br>`/g')
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
