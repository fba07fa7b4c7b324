#!/usr/bin/env bash
# Brings the stack up with `docker compose`, drills it through the target `compose`, and takes it down with all it made.
# Free ports and a project name of its own keep it out of the way of a stack that is up already.
set -euo pipefail
cd "$(dirname "$0")/../.."

if docker compose version >/dev/null 2>&1; then compose=(docker compose); else compose=(docker-compose); fi
command -v "${compose[0]}" >/dev/null || { echo "compose.sh: neither \`docker compose\` nor docker-compose is there; on Debian: apt-get install docker-compose" >&2; exit 4; }

ops/env.sh >/dev/null
# Below the range the system gives to clients.
first=$((20000 + RANDOM % 10000))
export DISPATCH_API_PUBLISHED_PORT=$first OPENCLAW_GATEWAY_PORT=$((first + 1))
export DISPATCH_POSTGRES_PUBLISHED_PORT=$((first + 2)) DISPATCH_OBJECTS_PUBLISHED_PORT=$((first + 3))
file=(--project-name "drillyard-$$" --env-file ops/.env --file ops/compose.yaml)
down() { "${compose[@]}" "${file[@]}" down --volumes --remove-orphans >/dev/null 2>&1; }
trap down EXIT

"${compose[@]}" "${file[@]}" config --quiet
"${compose[@]}" "${file[@]}" up --detach
for _ in $(seq 120); do
    curl --silent --fail --output /dev/null "http://127.0.0.1:$OPENCLAW_GATEWAY_PORT/readyz" && break
    sleep 0.5
done
cargo drillyard run --target compose "$@" order_of_work
