#!/bin/bash
# Bring the lab up, or what is missing of it: a real OpenStack control plane with fake hosts.
# README.md says what is in it and how it is set.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 1
. ./process.sh
only_one ./up.sh "$@"
. ./settings.sh
mkdir -p "$ETC"/{keystone,nova/hosts} "$RUN" "$LOG" "$VAR"/{done,nova,locks,images} "$LAB/plugins" ||
  die "cannot write to $LAB"
save_settings
. ./packages.sh
. ./backends.sh
. ./services.sh
. ./hosts.sh

configure() {
  unpack_pipelines
  "$PYTHON" "$HERE/python/configure.py" || die "cannot write the configuration"
  [[ -e $LAB_FAULTS ]] || echo '{}' >"$LAB_FAULTS"
}

# The backends start on the core that dpkg leaves idle.
install() {
  prepare_packages
  stage "  server packages" install_packages "${SERVER_PACKAGES[@]}"
  (stage "  database, bus, cache" start_backends) &
  local backends=$!
  stage "  python packages" install_packages "${PYTHON_PACKAGES[@]}"
  wait "$backends" || die "the backends did not start: see above"
}

start_computes() {
  local number names=()
  for ((number = 1; number <= COMPUTES; number++)); do names+=("$(host_name $number)"); done
  start_hosts "${names[@]}"
}

# A host is listed a few seconds after it reports: the scheduler maps it to the cell.
await_computes() { await $((60 + COMPUTES * 3)) "$COMPUTES hosts" seed hosts "$COMPUTES"; }

stage "packages and backends" install
installed=$SECONDS
stage "configuration" configure
stage "databases" set_up_databases
stage "control plane" start_control_plane
stage "hosts started" start_computes
stage "flavors, image, networks" seed tenants
stage "hosts up" await_computes
stage "$SERVERS servers" seed servers "$SERVERS"
say "up: packages and backends ${installed}s, the rest $((SECONDS - installed))s"
say "OS_CLIENT_CONFIG_FILE=$LAB/clouds.yaml, clouds lab-admin, lab-operator, lab-alice, lab-bob"
