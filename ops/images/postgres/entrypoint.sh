#!/bin/sh
# Fills an empty data directory from the initialised one, makes the role and the database that the environment names, and
# becomes the server. A data directory that is filled already is only served, whatever the environment says.
set -eu

if [ "${1:-postgres}" != postgres ]; then
    exec "$@"
fi
shift || true

user=${POSTGRES_USER:-postgres}
database=${POSTGRES_DB:-$user}
method=${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}

literal() { printf "'%s'" "$(printf %s "$1" | sed "s/'/''/g")"; }
name() { printf '"%s"' "$(printf %s "$1" | sed 's/"/""/g')"; }

if [ ! -s "$PGDATA/PG_VERSION" ]; then
    if [ -z "${POSTGRES_PASSWORD:-}" ] && [ "$method" != trust ]; then
        echo "POSTGRES_PASSWORD is not set, and a superuser without a password is nobody's friend" >&2
        exit 1
    fi
    case $method in
        trust|password|md5|scram-sha-256) ;;
        *) echo "POSTGRES_HOST_AUTH_METHOD=$method: use scram-sha-256, md5, password or trust" >&2; exit 1 ;;
    esac
    mkdir -p -m 0700 "$PGDATA"
    # The version goes last: a copy that was broken off is begun again.
    (cd /usr/share/drillyard-postgres/data && tar -cf - --exclude=./PG_VERSION . | tar -xf - -C "$PGDATA")
    chmod 0700 "$PGDATA"
    {
        # One statement a line: the server reads it alone, before anybody can connect.
        # A plain password is compared with MD5 in a microsecond and with SCRAM in milliseconds; it is as secret as the line.
        [ "$method" != password ] && [ "$method" != md5 ] || echo "SET password_encryption = 'md5'"
        if [ "$user" = postgres ]; then
            echo "ALTER ROLE postgres PASSWORD $(literal "${POSTGRES_PASSWORD:-}")"
        else
            echo "CREATE ROLE $(name "$user") SUPERUSER LOGIN PASSWORD $(literal "${POSTGRES_PASSWORD:-}")"
        fi
        [ "$database" = postgres ] || echo "CREATE DATABASE $(name "$database") OWNER $(name "$user")"
    } >/tmp/first.sql
    cp /usr/share/drillyard-postgres/data/PG_VERSION "$PGDATA/PG_VERSION"
    if ! postgres --single -D "$PGDATA" -c fsync=off postgres </tmp/first.sql >/tmp/first.log 2>&1 ||
        grep -Eq '(ERROR|FATAL):' /tmp/first.log; then
        cat /tmp/first.log >&2
        rm -f "$PGDATA/PG_VERSION"
        exit 1
    fi
    rm -f /tmp/first.sql /tmp/first.log
    printf 'local all all trust\nhost all all all %s\nhost replication all all %s\n' "$method" "$method" \
        >"$PGDATA/pg_hba.conf"
fi

exec postgres -D "$PGDATA" "$@"
