#!/bin/bash
# Stop the lab by its recorded pids. The data stays for the next up.sh, unless: down.sh wipe
set -u
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 1
. ./process.sh
[[ $# == 0 || $* == wipe ]] || die "usage: down.sh [wipe]"
[[ -f $LAB/settings && -d $RUN ]] || {
  say "no lab at $LAB"
  exit 0
}
only_one ./down.sh "$@"
. ./settings.sh

mapfile -t users < <(for file in "$RUN"/*.pid; do
  [[ -e $file ]] && basename "$file" .pid
done | grep -vxE 'keystone|database|bus|epmd|cache')
end "${users[@]}" # those who use the others go first
end keystone bus
end database epmd cache
say "stopped"
if [[ ${1:-} == wipe ]]; then
  rm -rf "$ETC" "$RUN" "$LOG" "$VAR" "$LAB"/{plugins,settings,clouds.yaml,faults.json,lock}
  rmdir "$LAB" || die "$LAB holds files that are not the lab's"
  say "deleted $LAB"
fi
