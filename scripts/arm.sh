#!/usr/bin/env bash
# Builds the exact arithmetic and its engine for 64-bit ARM and runs their tests under qemu's user mode: the portable kernel, which
# the compiler turns into NEON, gives the same bits there. Installs the cross compiler and qemu where they are missing; where that
# is not possible it says so, and ends well.
set -euo pipefail
cd "$(dirname "$0")/.."

target=aarch64-unknown-linux-gnu
skip() {
    printf 'SKIPPED: the tests for ARM: %s\n' "$*" >&2
    exit 0
}

packages=()
command -v aarch64-linux-gnu-gcc >/dev/null || packages+=(gcc-aarch64-linux-gnu libc6-dev-arm64-cross)
command -v qemu-aarch64 >/dev/null || packages+=(qemu-user)
if [ ${#packages[@]} -gt 0 ]; then
    command -v apt-get >/dev/null || skip "this is not a Debian machine; install what it calls ${packages[*]}"
    as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || skip "not root and no sudo; as root: apt-get install ${packages[*]}"
        as_root=(sudo)
    fi
    printf '==> installing %s\n' "${packages[*]}"
    export DEBIAN_FRONTEND=noninteractive
    install=("${as_root[@]}" apt-get install -y -qq --no-install-recommends -o Dpkg::Use-Pty=0 "${packages[@]}")
    "${install[@]}" >/dev/null 2>&1 ||
        { "${as_root[@]}" apt-get update -qq && "${install[@]}" >/dev/null; } ||
        skip "apt-get could not install ${packages[*]}"
fi
if [ ! -d "$(rustc --print target-libdir --target $target)" ]; then
    { command -v rustup >/dev/null && rustup target add $target; } || skip "rustup could not add the target $target"
fi

export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER='qemu-aarch64 -L /usr/aarch64-linux-gnu'
# A directory of its own: fewer packages are other features, which would compile the rest again.
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$HOME/.cache/weft/target}/arm"
# Emulation is slow.
export PROPTEST_CASES="${PROPTEST_CASES:-32}"
cargo test --release --locked --target $target -p weft-exact -p weft-exact-engine
