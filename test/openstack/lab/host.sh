#!/bin/bash
# Act on single hosts of the running lab.
#   host.sh list                 hosts and their pids
#   host.sh kill HOST...         power loss
#   host.sh stop HOST...         orderly stop of nova-compute
#   host.sh freeze HOST...       the process stays and says nothing; thaw lets it go on
#   host.sh start HOST...        again, with its guests; or a new host. HOST_VCPUS and the like may
#                                differ from the lab's, and HOST_OPTIONS="name=value ..." are more
#                                of its nova-compute's
#   host.sh remove HOST...       for good; a host that the lab does not have is gone already
#   host.sh fault JSON           see python/hypervisor.py; without JSON: none
#   host.sh heal                 no fault, every host running, every service enabled, every server
#                                ACTIVE: what a test should find
set -u
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 1
. ./process.sh
. ./settings.sh
. ./hosts.sh
[[ -d $RUN ]] || die "no lab at $LAB: run up.sh"

signal_hosts() {
  local signal=$1 name
  shift
  (($#)) || die "name at least one host"
  for name in "$@"; do runs "$name" || die "$name does not run"; done
  signal_all "$signal" "$@"
}

list() {
  local name
  while read -r name; do echo "$name $(pid_of "$name" || echo dead)"; done < <(known_hosts)
}

# Replaced in one step: a host may be reading it.
set_faults() {
  "$PYTHON" -c 'import json, sys; json.dump(json.loads(sys.argv[1]), open(sys.argv[2], "w"))' \
    "$1" "$LAB_FAULTS.new" 2>/dev/null || die "not JSON: $1"
  mv "$LAB_FAULTS.new" "$LAB_FAULTS"
}

remove() {
  local name
  end "$@"
  "$PYTHON" "$HERE/python/remove.py" "$@" || die "Nova keeps $*"
  for name in "$@"; do rm -f "$ETC/nova/hosts/$name.conf" "$LOG/$name".{out,log}; done
}

heal() {
  local names
  mapfile -t names < <(known_hosts)
  set_faults '{}'
  signal_all CONT "${names[@]}"
  start_hosts "${names[@]}"
  "$PYTHON" "$HERE/python/heal.py" || die "the cloud does not come to rest"
}

action=${1:-list}
shift
case $action in
list) list ;;
kill)
  signal_hosts KILL "$@"
  await 10 "the end of $*" none_runs "$@"
  ;;
freeze) signal_hosts STOP "$@" ;;
thaw) signal_hosts CONT "$@" ;;
stop) end "$@" ;;
start)
  for name in "$@"; do runs "$name" && die "$name runs already"; done
  start_hosts "$@"
  ;;
remove) remove "$@" ;;
fault) set_faults "${1:-{\}}" ;;
heal) heal ;;
*)
  sed -n '2,13s/^# \{0,1\}//p' host.sh
  exit 2
  ;;
esac
