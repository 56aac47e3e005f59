# A PostgreSQL of our own for the length of one script: new, private, as durable as a real one, gone afterwards.
# It is sourced after house.sh and tools.sh. Whoever calls start_postgres sets `trap stop_postgres EXIT` first.

postgres_folder=''
postgres_url=''

# PostgreSQL refuses to run as root; then its programs run as the user that its package made, or as nobody.
as_postgres() {
  (
    # The caller's folder may be closed to that user.
    cd /
    if [ "$(id -u)" != 0 ]; then
      "$@"
    else
      runuser -u "$postgres_owner" -- "$@"
    fi
  )
}

# `start_postgres FOLDER` makes a cluster below FOLDER (a short path: a Unix socket's name has 107 bytes) and sets $postgres_url.
# The program signs in over loopback as `jishan`, which owns its database and is no superuser, because a superuser passes every REVOKE.
# The superuser `postgres` is reached only through the socket in the cluster's folder, which nobody else may enter.
start_postgres() {
  postgres_bin=$(postgres_programs) || fail "PostgreSQL's server programs are missing. On Debian or Ubuntu: apt-get install postgresql."
  postgres_owner=postgres
  id "$postgres_owner" >/dev/null 2>&1 || postgres_owner=nobody
  postgres_folder=$(mktemp -d "$1/jishan-postgres.XXXXXX")
  if [ "$(id -u)" = 0 ]; then
    chown "$postgres_owner" "$postgres_folder"
  fi

  # Flushing the files of an empty cluster would protect nothing; what is written later is flushed as set below.
  as_postgres "$postgres_bin/initdb" --pgdata="$postgres_folder/data" --username=postgres --auth=trust \
    --encoding=UTF8 --locale=C.UTF-8 --no-sync >"$postgres_folder/initdb.log" 2>&1 ||
    { cat "$postgres_folder/initdb.log" >&2; fail "initdb failed; what it said stands above."; }

  as_postgres tee -a "$postgres_folder/data/postgresql.conf" >/dev/null <<CONF
listen_addresses = '127.0.0.1'
unix_socket_directories = '$postgres_folder'
fsync = on
synchronous_commit = on
full_page_writes = on
max_connections = 200
CONF
  as_postgres tee "$postgres_folder/data/pg_hba.conf" >/dev/null <<CONF
local all all      trust
host  all postgres 127.0.0.1/32 reject
host  all all      127.0.0.1/32 trust
CONF

  local port
  port=$(start_on_a_free_port)
  as_superuser "$postgres_bin/psql" --quiet --no-psqlrc --set=ON_ERROR_STOP=1 --host="$postgres_folder" --port="$port" \
    --username=postgres --dbname=postgres \
    --command='create role jishan login createdb createrole in role pg_monitor' \
    --command='create database jishan owner jishan'
  postgres_url=postgres://jishan@127.0.0.1:$port/jishan
  echo "$("$postgres_bin/postgres" --version) at $postgres_url (folder $postgres_folder)"
}

# Settings of the caller's own PostgreSQL (PGHOST, PGOPTIONS, …) must not reach ours.
as_superuser() {
  as_postgres env -u PGHOST -u PGPORT -u PGUSER -u PGDATABASE -u PGOPTIONS -u PGSERVICE "$@"
}

# Asking for a free port and using it later is a race, so a port is tried by starting on it; below 32768 the system hands out none itself.
start_on_a_free_port() {
  local attempt port log=$postgres_folder/server.log
  for attempt in 1 2 3 4 5 6 7 8 9 10; do
    port=$((20000 + RANDOM % 12000))
    if as_postgres "$postgres_bin/pg_ctl" start --silent --wait --timeout=60 --pgdata="$postgres_folder/data" \
      --log="$log" --options="-p $port" >/dev/null 2>&1; then
      echo "$port"
      return
    fi
    grep -q 'Address already in use' "$log" || break
    as_postgres rm -f "$log"
  done
  cat "$log" >&2
  fail "PostgreSQL did not start (attempt $attempt, port $port); its log stands above."
}

# Nothing in the cluster is worth a clean shutdown. Safe to call at any time, and twice.
stop_postgres() {
  [ -n "$postgres_folder" ] || return 0
  if [ -f "$postgres_folder/data/postmaster.pid" ]; then
    as_postgres "$postgres_bin/pg_ctl" stop --silent --mode=immediate --pgdata="$postgres_folder/data" >/dev/null 2>&1 || true
  fi
  rm -rf -- "$postgres_folder"
  postgres_folder=''
}
