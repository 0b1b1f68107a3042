# Sourced by the scripts beside it: installs what a fresh Debian lacks.

# Runs a command as root.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        echo "this needs root, and there is no sudo: $*" >&2
        return 1
    fi
}

# apt_install PACKAGE...: without starting the services that a package brings.
apt_install() {
    local policy=/usr/sbin/policy-rc.d is_ours=no outcome=0
    [ -n "${apt_is_fresh:-}" ] || as_root apt-get update -qq
    apt_is_fresh=yes
    if [ ! -e "$policy" ]; then
        is_ours=yes
        printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
        as_root chmod 755 "$policy"
    fi
    as_root env DEBIAN_FRONTEND=noninteractive DEBCONF_NOWARNINGS=yes \
        apt-get install -y -qq --no-install-recommends "$@" >/dev/null || outcome=$?
    [ "$is_ours" = no ] || as_root rm -f "$policy"
    return "$outcome"
}

# missing_packages COMMAND:PACKAGE...: prints the packages whose command is not there.
missing_packages() {
    local pair
    for pair in "$@"; do
        command -v "${pair%%:*}" >/dev/null || echo "${pair##*:}"
    done
}

# install_packages COMMAND:PACKAGE...: all of them are needed.
install_packages() {
    local missing
    missing=$(missing_packages "$@")
    [ -z "$missing" ] || { echo "installing $(echo $missing)"; apt_install $missing; }
}

# install_packages_if_possible COMMAND:PACKAGE...: those that can be had.
install_packages_if_possible() {
    local package
    for package in $(missing_packages "$@"); do
        echo "installing $package"
        apt_install "$package" || echo "not to be had: $package"
    done
}

# install_rust: a toolchain at least as new as Cargo.toml asks for.
install_rust() {
    local wanted have
    wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
    [ -f "$HOME/.cargo/env" ] && . "$HOME/.cargo/env"
    have=$(cargo --version 2>/dev/null | cut -d' ' -f2 || true)
    if [ -n "$have" ] && [ "$(printf '%s\n%s\n' "$wanted" "$have" | sort -V | head -n1)" = "$wanted" ]; then
        return
    fi
    echo "installing Rust $wanted"
    if ! curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y --profile minimal \
        --component clippy --component rustfmt --default-toolchain "$wanted"; then
        echo "Rust $wanted or newer could not be installed: put a toolchain on PATH (cargo, rustc, clippy, rustfmt)" >&2
        return 1
    fi
    . "$HOME/.cargo/env"
}
