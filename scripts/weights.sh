#!/usr/bin/env bash
# Measures what every call of our pallets costs on the wasm runtime, and writes runtime/src/weights/ anew.
# To be run by hand on a quiet machine when the cost of a call has changed; not part of the tests.
set -euo pipefail
cd "$(dirname "$0")/.."

PALLETS=(market providers jobs)
# Another directory: this runtime has other features, and its wasm must never be taken for the real one.
BENCH_TARGET="${CARGO_TARGET_DIR:-$HOME/.cache/weft/target}-benchmarks"

if ! command -v frame-omni-bencher >/dev/null; then
    cat >&2 <<'TEXT'
weights: frame-omni-bencher is missing. It compiles for half an hour and more:
    cargo install frame-omni-bencher --locked
TEXT
    exit 1
fi

CARGO_TARGET_DIR="$BENCH_TARGET" scripts/cargo.sh build --release --locked -p weft-runtime --features runtime-benchmarks
wasm="$BENCH_TARGET/release/wbuild/weft-runtime/weft_runtime.wasm"

for pallet in "${PALLETS[@]}"; do
    echo "== pallet_$pallet"
    frame-omni-bencher v1 benchmark pallet \
        --runtime "$wasm" --genesis-builder=runtime --pallet "pallet_$pallet" --extrinsic '*' \
        --steps 50 --repeat 20 --output "runtime/src/weights/pallet_$pallet.rs"
done
cargo fmt --all
