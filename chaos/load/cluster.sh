#!/bin/bash
# Deliveries, the IMAP mix and the way of news on a cluster: cluster.sh PLAN..., such as chaos/plans/one-node-embedded.toml
# chaos/plans/one-node-quiet.toml chaos/plans/three-nodes.toml. CHAOS and HONGYAN_BIN name the programs, JSON a file for the
# reports; SECONDS_EACH is 8. Each plan's processes are started, measured and ended.
set -uo pipefail
chaos=${CHAOS:-target/release/chaos} each=${SECONDS_EACH:-8}
hongyan=${HONGYAN_BIN:-$(dirname "$chaos")/hongyan}

measure() {
    local label=$1 said=$2
    local -a addresses pids folders common smtp=() imap=()
    mapfile -t addresses < <(awk '$1 == "node" { print $4 }' "$said")
    mapfile -t pids < <(awk '$1 == "node" { print $6 }' "$said")
    mapfile -t folders < <(awk '$1 == "node" { print $8 }' "$said")
    common=(--host "${addresses[0]}" --label "$label" --seconds "$each" --users 64 --user 'user{n}@chaos.test'
        --password wild-Goose-9 ${JSON:+--json "$JSON"})
    for pid in "${pids[@]}"; do common+=(--pid "$pid"); done
    for address in "${addresses[@]:1}"; do
        smtp+=(--also "$address:20025")
        imap+=(--also "$address:20993")
    done
    "$chaos" smtp --port 20025 --connections 32 "${common[@]}" "${smtp[@]}"
    "$chaos" imap-mix --port 20993 --tls implicit --connections 32 "${common[@]}" "${imap[@]}"
    local from=$((${#addresses[@]} > 1 ? 1 : 0))
    if [ "${#addresses[@]}" -ge 3 ]; then
        # All mailboxes on the third node: mail comes in at the second, news goes out at the first.
        "$hongyan" --data "${folders[0]}" cluster set-node 1 --weight 0
        "$hongyan" --data "${folders[0]}" cluster set-node 2 --weight 0
        "$hongyan" --data "${folders[0]}" cluster rebalance
    fi
    "$chaos" notify --port 20993 --tls implicit --smtp-host "${addresses[$from]}" --smtp-port 20025 --mailboxes 32 \
        "${common[@]}"
}

for plan in "$@"; do
    label=$(basename "$plan" .toml)
    said=$(mktemp)
    "$chaos" run --plan "$plan" --hongyan "$hongyan" --hold >"$said" &
    holder=$!
    for _ in $(seq 600); do
        grep -q '^SMTP' "$said" && break
        kill -0 "$holder" 2>/dev/null || break
        sleep 0.2
    done
    if grep -q '^SMTP' "$said"; then measure "$label" "$said"; else cat "$said"; fi
    kill -INT "$holder" 2>/dev/null
    wait "$holder"
    rm -f "$said"
done
