#!/bin/bash
# All figures of a cluster, in about ten minutes on a machine that does nothing else: figures.sh [DIR], where reports are to lie.
# CHAOS and HONGYAN_BIN name the programs; BEFORE an earlier release from which the rolling upgrade starts; FIGURES some of:
# loads ask drain upgrade kills. The verdicts and tables are printed.
set -uo pipefail
chaos=${CHAOS:-target/release/chaos} into=${1:-figures} plans=$(dirname "$0")/../plans
hongyan=${HONGYAN_BIN:-$(dirname "$chaos")/hongyan}
mkdir -p "$into"
bad=0

play() {
    local plan=$1
    shift
    echo "== $plan"
    "$chaos" run --plan "$plans/$plan.toml" --hongyan "$hongyan" "$@" --report "$into/$plan.md" --json "$into/$plan.json" \
        >"$into/$plan.log" 2>&1 || bad=1
    grep -E '^(VERDICT|SKIPPED|Error)|mailboxes in memory|longest drain' "$into/$plan.log"
    sed -n '/^## How long nobody/,/^## What went/p' "$into/$plan.md" | grep '^|'
}

for figure in ${FIGURES:-loads ask drain upgrade kills}; do
    case $figure in
        loads)
            CHAOS=$chaos HONGYAN_BIN=$hongyan JSON=$into/loads.json "$(dirname "$0")/cluster.sh" \
                "$plans"/one-node-embedded.toml "$plans"/one-node-quiet.toml "$plans"/three-nodes.toml
            ;;
        ask) cargo bench --quiet -p hongyan-router || bad=1 ;;
        drain) play drain ;;
        upgrade) play rolling-upgrade ${BEFORE:+--before "$BEFORE"} ;;
        kills) play fifty-kills ;;
        *) echo "no such figure: $figure" && bad=1 ;;
    esac
done
exit $bad
