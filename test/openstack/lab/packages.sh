# Debian packages of the lab. Sourced by up.sh.
# Only servers and python3-* libraries are installed: they ask no questions and set up no service.
# shellcheck shell=bash

SERVER_PACKAGES=(mariadb-server-core mariadb-client-core rabbitmq-server memcached
  prometheus-alertmanager) # the alertmanager is for test/openstack/alertmanager.ts
PYTHON_PACKAGES=(uwsgi-core uwsgi-plugin-python3 python3-pymysql python3-requests
  python3-openstackclient python3-keystone python3-placement python3-glance python3-neutron
  python3-nova)
PIPELINE_PACKAGES=(nova-common glance-common neutron-common) # unpacked for their api-paste.ini
with_aodh && PYTHON_PACKAGES+=(python3-aodh)

missing_packages() {
  local name
  for name in "$@"; do
    [[ $(dpkg-query -W -f '${db:Status-Abbrev}' "$name" 2>/dev/null) == "ii " ]] || echo "$name"
  done
}

# Before anything is installed: may we, and from where?
prepare_packages() {
  local missing
  mapfile -t missing < <(missing_packages "${SERVER_PACKAGES[@]}" "${PYTHON_PACKAGES[@]}")
  ((${#missing[@]})) || return 0
  if [[ $(id -u) != 0 || (${CI:-} != true && ${LULL_LAB:-} != 1) ]]; then
    die "the lab needs Debian packages. Run this as root on Debian 12 with LULL_LAB=1 to have
         them installed, or install them yourself:
         apt-get install --no-install-recommends ${missing[*]}"
  fi
  command -v apt-get >/dev/null || die "no apt-get here: the lab runs on Debian 12"
  apt-get update >"$LOG/apt.log" 2>&1 || die "apt-get update failed: see $LOG/apt.log"
}

# install_packages NAME...: without starting a daemon and without byte-compiling 17,000 files of
# which the lab imports a tenth (more than half of the whole time; Python compiles those on import)
install_packages() {
  local missing policy=/usr/sbin/policy-rc.d shadow=$VAR/apt-path
  mapfile -t missing < <(missing_packages "$@")
  ((${#missing[@]})) || return 0
  mkdir -p "$shadow"
  ln -sf /bin/true "$shadow/py3compile"
  if [[ ! -e $policy ]]; then
    printf '#!/bin/sh\nexit 101\n' >$policy
    chmod 755 $policy
    # shellcheck disable=SC2064
    trap "rm -f $policy" EXIT
  fi
  DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
    -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold \
    -o Dpkg::Options::=--force-unsafe-io \
    -o DPkg::Path="$shadow:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" \
    "${missing[@]}" >>"$LOG/apt.log" 2>&1 || die "apt-get install failed: see $LOG/apt.log"
}

# The pipelines as Debian ships them. Installing these packages would create users and databases.
unpack_pipelines() {
  local name folder=$VAR/packages
  for name in "${PIPELINE_PACKAGES[@]}"; do
    [[ -e $folder/.$name ]] && continue
    mkdir -p "$folder"
    (cd "$folder" && rm -f "$name"_*.deb && apt-get -q download "$name" &&
      dpkg-deb -x "$name"_*.deb . && touch ".$name") >>"$LOG/apt.log" 2>&1 ||
      die "cannot download and unpack $name: see $LOG/apt.log"
  done
}
