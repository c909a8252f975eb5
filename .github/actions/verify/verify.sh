#!/bin/bash
# Verifies $ARTEFACT, puts what was proven into the step's summary, and the trust
# level into its outputs. It ends with the status of eidos.
set -euo pipefail
args=()
if [ -n "${POLICY:-}" ]; then args+=(--policy "$POLICY"); fi
if [ -n "${KEY:-}" ]; then args+=(--key "$KEY"); fi
if [ -n "${LEVEL:-}" ]; then args+=(--min-trust-level "$LEVEL"); fi
status=0
proof=$(eidos verify "$ARTEFACT" "${args[@]}") || status=$?
echo "$proof"
{
  echo "### Trust"
  echo '```'
  echo "$proof"
  echo '```'
} >>"${GITHUB_STEP_SUMMARY:-/dev/null}"
sed -n 's/^  trust level: \([a-z]*\).*/trust-level=\1/p' <<<"$proof" >>"${GITHUB_OUTPUT:-/dev/null}"
exit $status
