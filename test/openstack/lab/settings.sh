# Settings of the lab. The environment wins, then what the lab was last brought up with
# ($LAB/settings), then the defaults below. Sourced after process.sh and, by up.sh, with the lock
# held: another up.sh may be about to change them.
# shellcheck shell=bash disable=SC2016,SC2034,SC2154

# shellcheck disable=SC1091
[[ -r $LAB/settings ]] && . "$LAB/settings"

: "${COMPUTES:=6}"            # fake hosts
: "${HOST_PREFIX:=cmp}"       # their names: cmp-01, cmp-02, ...
: "${SERVERS:=12}"            # servers booted, half in each tenant
: "${EXTRAS:=none}"           # or "aodh"
: "${HOST_VCPUS:=32}"         # size of a host
: "${HOST_RAM_MB:=65536}"     #
: "${HOST_DISK_GB:=2000}"     #
: "${CPU_RATIO:=16}"          # VCPU allocation ratio; 1 with small hosts makes a full cloud
: "${REPORT_INTERVAL:=5}"     # seconds between two heartbeats of a host (Nova's default: 10)
: "${SERVICE_DOWN_TIME:=20}"  # seconds of silence after which it is down (Nova's default: 60)
: "${RECLAIM_INTERVAL:=0}"   # above 0 what is deleted is SOFT_DELETED; read when nova-api starts
: "${API_WORKERS:=2}"         # processes of nova-api and of keystone
: "${PASSWORD:=lab}"          # of every account
: "${REGION:=RegionOne}"
: "${MQ_HTTP:=0}"             # 1: RabbitMQ's HTTP API as well, read when the bus starts
# Ports are fixed with the first start: Nova keeps them in its database. None is above 32767, where
# the kernel takes those of outgoing connections.
: "${DB_PORT:=23306}" "${CACHE_PORT:=21211}"
: "${MQ_PORT:=25670}" "${MQ_HTTP_PORT:=25671}" "${MQ_DIST_PORT:=25673}" "${EPMD_PORT:=24369}"
: "${KEYSTONE_PORT:=5000}" "${NOVA_PORT:=8774}" "${PLACEMENT_PORT:=8778}"
: "${GLANCE_PORT:=9292}" "${NEUTRON_PORT:=9696}" "${AODH_PORT:=8042}"

SETTINGS=(COMPUTES HOST_PREFIX SERVERS EXTRAS HOST_VCPUS HOST_RAM_MB HOST_DISK_GB CPU_RATIO
  REPORT_INTERVAL SERVICE_DOWN_TIME RECLAIM_INTERVAL API_WORKERS PASSWORD REGION MQ_HTTP DB_PORT CACHE_PORT
  MQ_PORT MQ_HTTP_PORT MQ_DIST_PORT EPMD_PORT KEYSTONE_PORT NOVA_PORT PLACEMENT_PORT
  GLANCE_PORT NEUTRON_PORT AODH_PORT)
export LAB "${SETTINGS[@]?}"

PYTHON=/usr/bin/python3 # Debian's: the packages are not visible to any other
export LAB_FAULTS=$LAB/faults.json
export PYTHONPATH=$HERE/python:$LAB/plugins PYTHONWARNINGS=ignore
unset PYTHONDONTWRITEBYTECODE http_proxy https_proxy HTTP_PROXY HTTPS_PROXY

save_settings() {
  local name
  for name in "${SETTINGS[@]}"; do printf ': "${%s:=%s}"\n' "$name" "${!name}"; done >"$LAB/settings"
}

with_aodh() { [[ " $EXTRAS " == *" aodh "* ]]; }
host_name() { printf '%s-%02d' "$HOST_PREFIX" "$1"; }
