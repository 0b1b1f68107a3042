#!/usr/bin/env bash
# Installs what is missing, builds the server and starts a complete node on 127.0.0.1. Arguments go to `hongyan dev`:
#   ./ops/run.sh --base-port 20000 --data /var/tmp/hongyan
set -euo pipefail
cd "$(dirname "$0")/.."
. ops/install.sh

install_packages gcc:build-essential curl:curl
install_rust
cargo build --release --locked --package hongyan-server
exec "${CARGO_TARGET_DIR:-target}/release/hongyan" dev "$@"
