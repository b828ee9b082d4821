#!/bin/sh
# The command on an installed device: tells the player which folders its units use. `run`, `demo` and `play` start a player of their own.
program=/opt/signage-player/venv/bin/signage-player
case "${1:-}" in
run | demo | play) exec "$program" "$@" ;;
esac
export SIGNAGE__STORAGE__STATE_DIR="${SIGNAGE__STORAGE__STATE_DIR-/var/lib/signage-player}"
export SIGNAGE__STORAGE__CACHE_DIR="${SIGNAGE__STORAGE__CACHE_DIR-/var/cache/signage-player}"
export SIGNAGE__STORAGE__RUNTIME_DIR="${SIGNAGE__STORAGE__RUNTIME_DIR-/run/signage-player}"
export SIGNAGE__STAGE__RUNTIME_DIR="${SIGNAGE__STAGE__RUNTIME_DIR-/run/signage-stage}"
case "${1:-}" in
token | cache) # these write into the agent's folders, and what root writes there the agent could not read
  if [ "$(id -u)" = 0 ]; then exec setpriv --reuid signage --regid signage --init-groups -- "$program" "$@"; fi ;;
esac
exec "$program" "$@"
