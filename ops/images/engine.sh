#!/usr/bin/env bash
# A Docker engine for machines that have none: installs Debian's, starts it in the background, stops it again.
#
#   ops/images/engine.sh          does nothing when an engine answers; otherwise installs and starts one (as root)
#   ops/images/engine.sh stop     stops the engine this script has started
#   ops/images/engine.sh status   says whether an engine answers, and where
#
# DOCKER_HOST is honoured: with it nothing is ever started. DRILLYARD_ENGINE_DIR is the folder of an engine that is
# started here (data, log, pid); by default /var/lib/drillyard-engine.
set -euo pipefail

folder=${DRILLYARD_ENGINE_DIR:-/var/lib/drillyard-engine}
socket=/var/run/docker.sock
pidfile=$folder/dockerd.pid
# The engine needs some seconds on a busy machine, most of them for its firewall rules.
start_seconds=60

answers() { curl --silent --fail --max-time 5 "$@" http://engine/_ping >/dev/null 2>&1; }

engine_answers() {
    case ${DOCKER_HOST:-unix://$socket} in
        unix://*) local at=${DOCKER_HOST:-unix://$socket}; answers --unix-socket "${at#unix://}" ;;
        tcp://*) curl --silent --fail --max-time 5 "http://${DOCKER_HOST#tcp://}/_ping" >/dev/null 2>&1 ;;
        *) docker version >/dev/null 2>&1 ;;
    esac
}

say() { echo "engine: $*"; }
fail() { echo "engine: $*" >&2; exit 4; }

install_engine() {
    command -v dockerd >/dev/null && command -v iptables >/dev/null && return
    command -v apt-get >/dev/null || fail "no Docker engine and no apt-get: install Docker by hand"
    say "installing docker.io and iptables"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends docker.io iptables >/dev/null
}

start_engine() {
    [ -z "${DOCKER_HOST:-}" ] || fail "no engine answers at DOCKER_HOST=$DOCKER_HOST"
    [ "$(id -u)" = 0 ] || fail "no engine answers, and starting one needs root: run this script as root or start Docker"
    command -v curl >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends curl >/dev/null; }
    install_engine
    mkdir -p "$folder"
    # One that is just being started by somebody else is waited for, not started twice.
    exec 9>"$folder/lock"
    flock 9
    if ! engine_answers; then
        rm -f "$pidfile"
        setsid dockerd --host "unix://$socket" --data-root "$folder/data" --exec-root /run/drillyard-engine \
            --pidfile "$pidfile" </dev/null >>"$folder/dockerd.log" 2>&1 9>&- &
        for _ in $(seq $((start_seconds * 5))); do
            engine_answers && break
            sleep 0.2
        done
        engine_answers || { tail -n 20 "$folder/dockerd.log" >&2; fail "did not answer within $start_seconds s"; }
    fi
    flock -u 9
}

case ${1:-start} in
    start)
        engine_answers || start_engine
        say "answers at ${DOCKER_HOST:-unix://$socket}"
        ;;
    stop)
        [ -f "$pidfile" ] || { say "none was started by this script"; exit 0; }
        pid=$(cat "$pidfile")
        kill "$pid" 2>/dev/null || true
        for _ in $(seq 150); do
            kill -0 "$pid" 2>/dev/null || break
            sleep 0.2
        done
        kill -0 "$pid" 2>/dev/null && fail "process $pid does not end"
        rm -f "$pidfile"
        say "stopped"
        ;;
    status)
        engine_answers && say "answers at ${DOCKER_HOST:-unix://$socket}" || fail "none answers at ${DOCKER_HOST:-unix://$socket}"
        ;;
    *) echo "usage: engine.sh [start|stop|status]" >&2; exit 2 ;;
esac
