# Where the lab lives, its lock, its processes by recorded pid. Sourced first by every script.
# shellcheck shell=bash disable=SC2034

: "${LAB:=/tmp/lull-lab}" # everything the lab writes is below this folder
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ETC=$LAB/etc RUN=$LAB/run LOG=$LAB/log VAR=$LAB/var

say() { printf '%(%H:%M:%S)T %s\n' -1 "$*"; }
die() {
  say "error: $*" >&2
  exit 1
}
exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&- # what is started here outlives the caller's locks and pipes
[[ $LAB == /* ]] || die "LAB must be an absolute path, not $LAB"

# stage WHAT COMMAND...: run it and print how long it took
stage() {
  local what=$1 began=$SECONDS
  shift
  "$@" || exit 1
  say "$what: $((SECONDS - began))s"
}

# only_one SCRIPT ARGUMENT...: start over holding the lab's lock, so that two ups, or an up and a
# down, never mix. --close keeps the lock away from the daemons, which outlive the script.
only_one() {
  [[ ${LAB_LOCK_HELD:-} == "$LAB" ]] && return
  mkdir -p "$LAB" || die "cannot write to $LAB: set LAB to a folder you may write"
  LAB_LOCK_HELD=$LAB exec flock --close "$LAB/lock" "$@"
}

# A pid file holds "PID BORN"; BORN is the start time in ticks since boot (field 22 of
# /proc/PID/stat), so a pid that the kernel has given to someone else is never taken for ours.
born() {
  local stat fields
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
  read -ra fields <<<"${stat##*) }"
  [[ ${fields[0]} != [ZX] ]] || return 1 # dead, but not yet buried by its parent
  echo "${fields[19]}"
}

# pid_of NAME: its pid, when it runs
pid_of() {
  local pid since
  read -r pid since 2>/dev/null <"$RUN/$1.pid" || return 1
  [[ -n $since && $(born "$pid") == "$since" ]] && echo "$pid"
}
runs() { pid_of "$1" >/dev/null; }

# spawn NAME COMMAND...: unless it runs, start it as a session of its own, output to log/NAME.out
spawn() {
  local name=$1 pid
  shift
  runs "$name" && return
  setsid "$@" >>"$LOG/$name.out" 2>&1 </dev/null &
  pid=$!
  echo "$pid $(born $pid)" >"$RUN/$name.pid"
}

# signal_all SIGNAL NAME...: to the process group of each that runs
signal_all() {
  local signal=$1 name pid
  shift
  for name in "$@"; do
    pid=$(pid_of "$name") && kill "-$signal" -- "-$pid" 2>/dev/null
  done
  return 0
}

any_runs() {
  local name
  for name in "$@"; do runs "$name" && return; done
  return 1
}
none_runs() { ! any_runs "$@"; }

# end NAME...: TERM, and KILL to what is left after 15 seconds. CONT lets a frozen one hear it.
end() {
  local tick
  signal_all TERM "$@"
  signal_all CONT "$@"
  for ((tick = 0; tick < 75; tick++)); do
    any_runs "$@" || break
    sleep 0.2
  done
  signal_all KILL "$@"
  local name
  for name in "$@"; do rm -f "$RUN/$name.pid"; done
}

# await SECONDS WHAT COMMAND...: until COMMAND succeeds
await() {
  local limit=$1 what=$2
  shift 2
  local until=$((SECONDS + limit))
  until "$@" >/dev/null 2>&1; do
    ((SECONDS < until)) || die "$what is not ready after ${limit}s: see $LOG"
    sleep 0.2
  done
}

# await_process SECONDS NAME COMMAND...: the same, but a process that has died is reported at once
await_process() {
  local limit=$1 name=$2
  shift 2
  await "$limit" "$name" succeeds_or_died "$name" "$@"
  runs "$name" || die "$name has died: see $LOG/$name.out"
}
succeeds_or_died() { "${@:2}" || ! runs "$1"; }

# await_all SECONDS NAME:PORT...: until each answers HTTP
await_all() {
  local limit=$1 pair
  shift
  for pair in "$@"; do await_process "$limit" "${pair%:*}" answers "${pair#*:}"; done
}
listens() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
# shellcheck disable=SC2016
answers() {
  timeout 5 bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$1" &&
    printf "GET / HTTP/1.0\r\nHost: lab\r\n\r\n" >&3 && read -r line <&3 && [[ $line == HTTP* ]]' _ "$1" 2>/dev/null
}
