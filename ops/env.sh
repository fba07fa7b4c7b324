#!/bin/sh
# Writes fresh secrets for `docker compose -f ops/compose.yaml` into ops/.env, which git ignores. What is there stays.
set -eu
file=$(dirname "$0")/.env
umask 077
touch "$file"
for name in DISPATCH_DATABASE_PASSWORD DISPATCH_OBJECT_STORE_KEY DISPATCH_OBJECT_STORE_SECRET DISPATCH_AUTH_JWT_SECRET \
    OPENCLAW_GATEWAY_TOKEN; do
    grep -q "^$name=." "$file" || echo "$name=$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')" >>"$file"
done
echo "secrets are in $file"
