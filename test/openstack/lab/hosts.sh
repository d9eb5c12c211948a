# The fake hosts. Sourced by up.sh and host.sh.
# shellcheck shell=bash

# Names of all hosts that were ever started here.
known_hosts() {
  local file
  for file in "$ETC"/nova/hosts/*.conf; do
    [[ -e $file ]] && basename "$file" .conf
  done
}

# start_hosts NAME...: those that do not run
start_hosts() {
  local name missing=()
  for name in "$@"; do runs "$name" || missing+=("$name"); done
  ((${#missing[@]})) || return 0
  "$PYTHON" "$HERE/python/hosts.py" "$RUN" "$LOG" "$ETC/nova/nova-compute.conf" "${missing[@]}" \
    >>"$LOG/hosts.out" 2>&1 || die "cannot start ${missing[*]}: see $LOG/hosts.out"
}
