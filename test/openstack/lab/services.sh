# The OpenStack services. Sourced by up.sh.
# shellcheck shell=bash

export OS_KEYSTONE_CONFIG_DIR=$ETC/keystone OS_PLACEMENT_CONFIG_DIR=$ETC/placement \
  OS_NOVA_CONFIG_DIR=$ETC/nova

# command MODULE:FUNCTION ARGUMENT...: what the console script of that entry point would do
command_of() { "$PYTHON" "$HERE/python/entry.py" "$@"; }
seed() { "$PYTHON" "$HERE/python/seed.py" "$@"; }

# daemon NAME MODULE:FUNCTION ARGUMENT...
daemon() {
  local name=$1
  shift
  spawn "$name" "$PYTHON" "$HERE/python/entry.py" "$@" --log-file "$LOG/$name.log"
}

# web NAME PORT WORKERS MODULE:FUNCTION [ARGUMENTS]: behind uwsgi. --http-socket closes each
# connection without saying so, so the header says it; nor does it date its answers, as any web
# server before a real Nova does.
# shellcheck disable=SC2016
web() {
  LAB_APPLICATION=$4 spawn "$1" uwsgi_python3 --master --need-app --die-on-term \
    --http-socket "127.0.0.1:$2" --processes "$3" --threads 1 --enable-threads --lazy-apps \
    --buffer-size 65535 --thunder-lock --disable-logging --add-header "Connection: close" \
    --route-run 'addheader:Date: ${httptime[0]}' \
    --module application --pyargv "${5:-}"
}

# once NAME COMMAND...: only until it has succeeded
once() {
  local name=$1
  shift
  [[ -e $VAR/done/$name ]] && return
  "$@" >"$LOG/setup-$name.log" 2>&1 || die "setting up $name failed: see $LOG/setup-$name.log"
  touch "$VAR/done/$name"
}

set_up_keystone() {
  local owner=(--keystone-user "$(id -un)" --keystone-group "$(id -gn)")
  local manage=(command_of keystone.cmd.manage:main --config-file "$ETC/keystone/keystone.conf")
  local url=http://127.0.0.1:$KEYSTONE_PORT/v3
  "${manage[@]}" fernet_setup "${owner[@]}" &&
    "${manage[@]}" credential_setup "${owner[@]}" &&
    "${manage[@]}" db_sync &&
    "${manage[@]}" bootstrap --bootstrap-password "$PASSWORD" --bootstrap-region-id "$REGION" \
      --bootstrap-public-url "$url" --bootstrap-internal-url "$url" --bootstrap-admin-url "$url"
}

set_up_nova() {
  local manage=(command_of nova.cmd.manage:main --config-file "$ETC/nova/nova.conf")
  local database=mysql+pymysql://lab:$PASSWORD@127.0.0.1:$DB_PORT
  "${manage[@]}" api_db sync &&
    "${manage[@]}" cell_v2 map_cell0 --database_connection "$database/nova_cell0?charset=utf8" &&
    "${manage[@]}" cell_v2 create_cell --name cell1 \
      --transport-url "rabbit://lab:$PASSWORD@127.0.0.1:$MQ_PORT/" \
      --database_connection "$database/nova?charset=utf8" &&
    "${manage[@]}" db sync
}

set_up_neutron() {
  command_of neutron.db.migration.cli:main --config-file "$ETC/neutron/neutron.conf" upgrade heads
}

set_up_small_ones() {
  once placement command_of placement.cmd.manage:main --config-file "$ETC/placement/placement.conf" db sync
  once glance command_of glance.cmd.manage:main --config-file "$ETC/glance/glance-api.conf" db_sync
  if with_aodh; then
    once aodh command_of aodh.cmd.storage:dbsync --config-file "$ETC/aodh/aodh.conf"
  fi
}

# The slow part of a first start: two lanes of about the same length, waited for even when one fails.
set_up_databases() {
  local lane failed=0
  (once neutron set_up_neutron && set_up_small_ones) &
  local lanes=($!)
  (once keystone set_up_keystone && once nova set_up_nova) &
  lanes+=($!)
  for lane in "${lanes[@]}"; do wait "$lane" || failed=1; done
  return $failed
}

start_control_plane() {
  local nova=(--config-file "$ETC/nova/nova.conf")
  web keystone "$KEYSTONE_PORT" "$API_WORKERS" keystone.server.wsgi:initialize_public_application
  await_all 60 "keystone:$KEYSTONE_PORT"
  seed identity || die "cannot create accounts and endpoints in Keystone"

  web placement "$PLACEMENT_PORT" 1 placement.wsgi:init_application
  web nova-api "$NOVA_PORT" "$API_WORKERS" nova.api.openstack.compute.wsgi:init_application
  daemon glance glance.cmd.api:main --config-file "$ETC/glance/glance-api.conf"
  daemon neutron neutron.cmd.eventlet.server:main --config-file "$ETC/neutron/neutron.conf"
  daemon nova-conductor nova.cmd.conductor:main "${nova[@]}"
  daemon nova-scheduler nova.cmd.scheduler:main "${nova[@]}"
  if with_aodh; then start_aodh; fi
  await_all 120 "placement:$PLACEMENT_PORT" "nova-api:$NOVA_PORT" "glance:$GLANCE_PORT" "neutron:$NEUTRON_PORT"
  if with_aodh; then await_all 60 "aodh-api:$AODH_PORT"; fi
}

start_aodh() {
  local config=(--config-file "$ETC/aodh/aodh.conf") part
  web aodh-api "$AODH_PORT" 1 aodh.api.app:build_wsgi_app "${config[*]}"
  for part in listener notifier evaluator; do daemon "aodh-$part" "aodh.cmd.alarm:$part" "${config[@]}"; done
}
