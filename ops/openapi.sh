#!/usr/bin/env bash
# Has schemathesis (from PyPI) ask every resource of the admin API what its OpenAPI document promises: right and wrong requests, and no
# answer that the document does not know. HONGYAN_BIN is the server; PORTS the first of its ports; EXAMPLES the requests of each kind.
# Named as skipped where schemathesis is not installed (pip install schemathesis; SCHEMATHESIS names it where it is not on the path).
set -euo pipefail
cd "$(dirname "$0")/.."
schemathesis=${SCHEMATHESIS:-schemathesis}
if ! command -v "$schemathesis" >/dev/null; then
    echo "SKIPPED the admin API against its document: schemathesis is not installed" >&2
    exit 0
fi
server=${HONGYAN_BIN:-${CARGO_TARGET_DIR:-target}/release/hongyan}
case "$server" in /*) ;; *) server="$PWD/$server" ;; esac
ports=${PORTS:-27000}
data=$(mktemp -d)
"$server" dev --data "$data/data" --base-port "$ports" --users 3 >"$data/server.log" 2>&1 &
running=$!
trap 'kill "$running" 2>/dev/null || true; wait "$running" 2>/dev/null || true; rm -rf "$data"' EXIT
url="https://127.0.0.1:$((ports + 444))"
for _ in $(seq 200); do
    curl --silent --insecure --output "$data/openapi.json" "$url/api/openapi.json" && break
    kill -0 "$running" || { cat "$data/server.log" >&2; exit 1; }
    sleep 0.1
done
# The scopes are in the answer to a token that asks for what is none.
scopes=$("$server" token add x --scope none --operator --data "$data/data" 2>&1 | sed 's/.*is none of //' | tr -d ' ' || true)
arguments=()
IFS=, read -ra names <<<"$scopes"
for name in "${names[@]}"; do arguments+=(--scope "$name"); done
token=$("$server" token add schemathesis --operator "${arguments[@]}" --data "$data/data" --json |
    python3 -c 'import json, sys; print(json.load(sys.stdin)["secret"])')
# It leaves notes where it runs.
cd "$data"
# What it makes up for mails is sent as it is.
cat >octets.py <<'PYTHON'
import schemathesis


@schemathesis.serializer("application/mbox", "message/rfc822")
def octets(context, value):
    value = getattr(value, "data", value)
    return value if isinstance(value, bytes) else str(value).encode()
PYTHON
export SCHEMATHESIS_HOOKS=octets
# Events do not end, and whoever removes tokens removes the one that is used here.
"$schemathesis" run "$data/openapi.json" --url "$url" --tls-verify false --header "Authorization: Bearer $token" \
    --exclude-path-regex '^/api/(events|tokens/.*)$' --max-examples "${EXAMPLES:-15}" --seed "${SEED:-1}" --request-timeout 20 \
    --rate-limit auto --phases examples,coverage,fuzzing --continue-on-failure --suppress-health-check all --warnings off --no-color \
    --checks not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance,unsupported_method
