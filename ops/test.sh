#!/usr/bin/env bash
# Installs what is missing and passes every test. What this machine lacks is named as skipped, never silently.
# CARGO_TARGET_DIR is honoured, so that compiled dependencies can be kept outside the clone. SIMULATE_SECS=N simulates for N more
# seconds on each core, or until SIMULATE_SEEDS are done there, from the seed SIMULATE_FROM; without it the date gives one.
set -euo pipefail
cd "$(dirname "$0")/.."
. ops/install.sh

# pgrep stands for procps: the tests end what they start with its kill, which is in the shell as well.
install_packages gcc:build-essential python3:python3 curl:curl openssl:openssl pgrep:procps
install_rust
# Real clients: each that cannot be had is named by the tests that skip without it.
install_packages_if_possible mbsync:isync offlineimap:offlineimap3 mutt:mutt swaks:swaks getmail:getmail6 \
    fetchmail:fetchmail msmtp:msmtp dovecot:dovecot-imapd promtool:prometheus chromium:chromium node:nodejs npm:npm \
    wbxml2xml:libwbxml2-utils
# A directory of people: the package makes none of its own, the test does.
if ! [ -x /usr/sbin/slapd ]; then
    echo "slapd slapd/no_configuration boolean true" | as_root debconf-set-selections 2>/dev/null || true
    install_packages_if_possible slapd:slapd
fi
# For runs under faults.
install_packages_if_possible haproxy:haproxy ip:iproute2

# A provider that others have written, for single sign-on.
modules="${CARGO_TARGET_DIR:-target}/oidc-provider"
mkdir -p "$modules"
if command -v npm >/dev/null &&
    npm install --prefix "$modules" --no-audit --no-fund --loglevel=error oidc-provider@8.8.1 >/dev/null; then
    export HONGYAN_OIDC_PROVIDER="$(cd "$modules" && pwd)"
fi

# An application that others have written, which members sign in to here.
modules="${CARGO_TARGET_DIR:-target}/openid-client"
mkdir -p "$modules"
if command -v npm >/dev/null &&
    npm install --prefix "$modules" --no-audit --no-fund --loglevel=error openid-client@6.8.1 >/dev/null; then
    export HONGYAN_OPENID_CLIENT="$(cd "$modules" && pwd)"
fi

# An application and a provider that speak SAML.
modules="${CARGO_TARGET_DIR:-target}/saml-peers"
mkdir -p "$modules"
if command -v npm >/dev/null &&
    npm install --prefix "$modules" --no-audit --no-fund --loglevel=error @node-saml/node-saml@5.1.0 samlp@8.0.0 >/dev/null; then
    export HONGYAN_SAML_PEERS="$(cd "$modules" && pwd)"
fi

# What tries the admin API against its document: from PyPI, where that can be reached.
tools="${CARGO_TARGET_DIR:-target}/schemathesis"
if ! command -v schemathesis >/dev/null; then
    python3 -c 'import ensurepip' 2>/dev/null || apt_install python3-venv || true
    if python3 -m venv "$tools" 2>/dev/null && timeout 180 "$tools/bin/pip" install --quiet --disable-pip-version-check \
        --retries 1 --timeout 15 schemathesis==4.32.5 2>/dev/null; then
        export SCHEMATHESIS="$(cd "$tools" && pwd)/bin/schemathesis"
    fi
fi

echo "== rules"
cargo xtask verify

echo "== the server, as it is shipped"
shipped=(--package hongyan-server)
# What simulates is built along with it: by itself it would have most crates compiled once more, with other features.
if [ "${SIMULATE_SECS:-0}" -gt 0 ]; then shipped+=(--package hongyan-load); fi
cargo build --release --locked "${shipped[@]}"
export HONGYAN_BIN="${CARGO_TARGET_DIR:-target}/release/hongyan"
case "$HONGYAN_BIN" in /*) ;; *) HONGYAN_BIN="$PWD/$HONGYAN_BIN" ;; esac

echo "== tests"
# A test that cannot run here writes `SKIPPED what: why` straight to standard error, past the harness.
output=$(mktemp)
trap 'rm -f "$output"' EXIT
outcome=0
cargo test --workspace --locked --no-fail-fast 2>&1 | tee "$output" || outcome=$?

echo "== the admin API against its document"
ops/openapi.sh 2>&1 | tee -a "$output" || outcome=1

if [ "${SIMULATE_SECS:-0}" -gt 0 ]; then
    first=${SIMULATE_FROM:-$(date -u +%y%m%d%H%M)000000}
    echo "== simulated clusters, seeds from $first, up to $SIMULATE_SECS s on each core"
    # Every failure names its seed and the command that repeats it.
    runs=()
    for core in $(seq "$(nproc)"); do
        "${CARGO_TARGET_DIR:-target}/release/chaos" sim --mix --steps 60 --seed $((first + core * 100000)) \
            --seeds "${SIMULATE_SEEDS:-100000}" --within "$SIMULATE_SECS" &
        runs+=($!)
    done
    for run in "${runs[@]}"; do
        wait "$run" || outcome=1
    done
fi

echo "== skipped on this machine"
grep -aoE 'SKIPPED [^:]+: .*' "$output" | sort -u || echo "nothing"
exit "$outcome"
