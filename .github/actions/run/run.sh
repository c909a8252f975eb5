#!/bin/bash
# Runs the pipeline $PIPELINE with the parameters in $PARAMS.
set -euo pipefail
args=(--state "${STATE:-.eidos-state}")
while IFS= read -r param; do
  if [ -n "$param" ]; then
    args+=(--param "$param")
  fi
done <<<"${PARAMS:-}"
mkdir -p "$REPORTS"
if [ -n "${PIPELINE:-}" ]; then
  args+=("$PIPELINE")
fi
eidos run --keep-going "${args[@]}" --junit "$REPORTS/junit.xml" --ctrf "$REPORTS/ctrf.json" --sarif "$REPORTS/eidos.sarif" --report "$REPORTS/report.html"
