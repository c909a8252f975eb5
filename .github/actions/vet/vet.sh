#!/bin/bash
# Checks what $DATA and $FILES name. Stock cue judges the union with the catalogue
# where it is installed.
set -euo pipefail
data=()
if [ -n "${DATA:-}" ]; then
  data=(--data "$DATA")
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  if command -v cue >/dev/null; then
    eidos vet "${data[@]}" --module "$work/module" >/dev/null
    (cd "$work/module" && cue vet ./...)
    echo "stock cue accepts the catalogue with $DATA"
  fi
fi
eidos vet "${data[@]}"
while IFS= read -r file; do
  if [ -n "$file" ]; then
    eidos vet "$file"
  fi
done <<<"${FILES:-}"
