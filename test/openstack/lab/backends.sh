# Database, message bus and cache. Sourced by up.sh.
# shellcheck shell=bash

run_sql() { mariadb --no-defaults --socket="$RUN/database.sock" -u "$(id -un)" -e "$1"; }

start_database() {
  local data=$VAR/mysql
  if [[ ! -e $VAR/done/database ]]; then
    rm -rf "$data"
    mariadb-install-db --no-defaults --user="$(id -un)" --datadir="$data" --skip-test-db \
      --skip-name-resolve \
      --auth-root-authentication-method=socket --auth-root-socket-user="$(id -un)" \
      >"$LOG/database-install.log" 2>&1 ||
      die "mariadb-install-db failed: see $LOG/database-install.log"
    touch "$VAR/done/database"
  fi
  # Nothing is made durable: the data is worth nothing, and the disk is the slow part.
  spawn database mariadbd --no-defaults --user="$(id -un)" --datadir="$data" \
    --socket="$RUN/database.sock" --pid-file="$RUN/database.own" --bind-address=127.0.0.1 \
    --port="$DB_PORT" --max-connections=4000 --skip-log-bin --skip-name-resolve \
    --performance-schema=off --innodb-flush-log-at-trx-commit=0 --innodb-flush-method=nosync \
    --innodb-doublewrite=0 --innodb-buffer-pool-size=256M
  await_process 60 database run_sql 'select 1'
  run_sql "create user if not exists lab@127.0.0.1 identified by '$PASSWORD';
    $(for name in keystone placement nova_api nova nova_cell0 glance neutron aodh; do
      echo "create database if not exists $name character set utf8; grant all on $name.* to lab@127.0.0.1;"
    done)" || die "cannot create the databases"
}

start_bus() {
  cat >"$ETC/rabbitmq.conf" <<END
listeners.tcp.1 = 127.0.0.1:$MQ_PORT
default_user = lab
default_pass = $PASSWORD
management.tcp.ip = 127.0.0.1
management.tcp.port = $MQ_HTTP_PORT
log.console = true
log.console.level = warning
END
  local plugins=''
  [[ $MQ_HTTP == 1 ]] && plugins=rabbitmq_management
  echo "[$plugins]." >"$ETC/rabbitmq.plugins"
  spawn epmd epmd -address 127.0.0.1 -port "$EPMD_PORT"
  RABBITMQ_NODENAME=lab@localhost RABBITMQ_MNESIA_BASE=$VAR/rabbitmq RABBITMQ_LOG_BASE=$LOG \
    RABBITMQ_CONFIG_FILE=$ETC/rabbitmq.conf RABBITMQ_ENABLED_PLUGINS_FILE=$ETC/rabbitmq.plugins \
    RABBITMQ_ADVANCED_CONFIG_FILE=$ETC/none RABBITMQ_CONF_ENV_FILE=$ETC/none \
    RABBITMQ_DIST_PORT=$MQ_DIST_PORT ERL_EPMD_ADDRESS=127.0.0.1 ERL_EPMD_PORT=$EPMD_PORT HOME=$VAR \
    ERL_CRASH_DUMP=$LOG/erl_crash.dump \
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="-kernel inet_dist_use_interface {127,0,0,1} +S 2:2 +sbwt none" \
    spawn bus /usr/lib/rabbitmq/bin/rabbitmq-server
  await_process 90 bus listens "$MQ_PORT"
}

start_backends() {
  start_database
  start_bus
  spawn cache memcached -u "$(id -un)" -l 127.0.0.1 -p "$CACHE_PORT" -U 0 -m 64
}
