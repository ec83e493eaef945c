#!/usr/bin/env bash
# Measures what every call of our pallets, a block and a transaction cost on the wasm runtime, and writes
# runtime/src/weights/ anew.
# To be run by hand on a quiet machine when the cost of a call has changed; not part of the tests. Each benchmark runs for
# MIN_DURATION seconds at least (10), which makes twenty minutes of a hundred benchmarks. PALLETS="custody market" measures
# only those again.
set -euo pipefail
cd "$(dirname "$0")/.."

read -ra pallets <<<"${PALLETS:-overhead market providers jobs custody pins spaces disputes}"
build="${CARGO_TARGET_DIR:-$HOME/.cache/weft/target}/benchmarks"
bencher=${BENCHER:-frame-omni-bencher}

if ! command -v "$bencher" >/dev/null; then
    cat >&2 <<'TEXT'
weights: frame-omni-bencher is missing. It compiles for half an hour and more:
    cargo install frame-omni-bencher --locked
TEXT
    exit 1
fi

# The wasm alone, as substrate-wasm-builder makes it (same profile, target and flags), but for the feature. Its native
# build would compile the whole SDK again with other features.
mkdir -p "$build/src"
cp Cargo.lock "$build/"
cat >"$build/Cargo.toml" <<TOML
[package]
name = "weft-runtime-benchmarks"
version = "0.0.0"
edition = "2021"
[lib]
crate-type = ["cdylib"]
path = "src/lib.rs"
[dependencies]
weft-runtime = { path = "$PWD/runtime", default-features = false, features = ["runtime-benchmarks"] }
[profile.release]
panic = "abort"
lto = "thin"
[workspace]
TOML
printf '#![no_std]\npub use weft_runtime::*;\n' >"$build/src/lib.rs"
flags='-C link-arg=--export-table -C link-arg=--export=__heap_base -C link-arg=--import-memory --cfg substrate_runtime'
(cd "$build" && RUSTFLAGS="$flags" CARGO_TARGET_DIR="$build/target" cargo build --release --target wasm32v1-none)
wasm="$build/target/wasm32v1-none/release/weft_runtime_benchmarks.wasm"

out=runtime/src/weights
from=(--runtime "$wasm" --genesis-builder=runtime --genesis-builder-preset=development)

for pallet in "${pallets[@]}"; do
    if [ "$pallet" = overhead ]; then
        echo "== a block and a transaction that do nothing"
        "$bencher" v1 benchmark overhead "${from[@]}" --weight-path "$out/"
        continue
    fi
    echo "== pallet_$pallet"
    "$bencher" v1 benchmark pallet "${from[@]}" \
        --pallet "pallet_$pallet" --extrinsic '*' --steps "${STEPS:-50}" --repeat "${REPEAT:-20}" --min-duration "${MIN_DURATION:-10}" \
        --output "$out/pallet_$pallet.rs"
done
# What says more of this machine than its processor stays out, and so do the templates' own tests and crates.
sed -i -e '/^\/\/ Executed Command:/,/^$/d' -e 's/HOSTNAME: `[^`]*`, //' -e '/WEIGHT-PATH/d' -e '1{/^$/d}' "$out"/*.rs
sed -i -e '/^#\[cfg(test)\]/,$d' -e '/^use sp_core::parameter_types;$/d' \
    -e 's/^use sp_weights::\(.*\);$/use frame_support::{parameter_types, weights::\1};/' "$out"/{block,extrinsic}_weights.rs
cargo fmt --all
