#!/usr/bin/env bash
# Measures what docs/storage.md records: the embedded store beside Kubo's `add` and `cat` with its daemon (offline, loopback),
# alternately in one run; and sealing, hashing and keeping in one pass beside each alone. For a quiet machine, and no part of
# the tests. Needs 12 GiB of disk in BENCH_DIR (default: beside the build), and scripts/kubo.sh's Kubo.
set -euo pipefail
cd "$(dirname "$0")/.."

target=${CARGO_TARGET_DIR:-$HOME/.cache/weft/target}
store=${STORE_THROUGHPUT:-$target/release/examples/store_throughput}
mib=${MIB:-1024}
rounds=${ROUNDS:-3}
[ -x "$store" ] || { echo "bench: $store is missing: build it with cargo build --release --workspace --examples" >&2; exit 1; }
ipfs=$(scripts/kubo.sh)

mkdir -p "${BENCH_DIR:-$target}"
dir=$(mktemp -d -p "${BENCH_DIR:-$target}" bench-store.XXXXXX)
export IPFS_PATH=$dir/ipfs IPFS_TELEMETRY=off
daemon=
trap '[ -z "$daemon" ] || kill "$daemon"; wait; rm -rf "$dir"' EXIT

field() { python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", a / b }'; }
# Seconds that a command takes, with nothing of earlier ones left to be written.
timed() {
    sync
    local start end
    start=$(date +%s.%N)
    "$@"
    end=$(date +%s.%N)
    awk -v a="$start" -v b="$end" 'BEGIN { printf "%.3f", b - a }' >"$dir/seconds"
}
seconds() { cat "$dir/seconds"; }

echo "machine: $(nproc) x $(awk -F': ' '/^model name/ { print $2; exit }' /proc/cpuinfo), $(awk '/^MemTotal/ { printf "%.0f GiB", $2 / 1048576 }' /proc/meminfo), Kubo $("$ipfs" version -n)"
"$ipfs" init --profile=test >/dev/null
"$ipfs" bootstrap rm --all >/dev/null
"$ipfs" config Routing.Type none
# KUBO_SYNC=true gives Kubo the promise that the embedded store keeps anyway: what is added survives a crash.
if [ "${KUBO_SYNC:-false}" = true ]; then
    sed -i 's/"sync": false/"sync": true/' "$IPFS_PATH/config"
    echo 'Kubo syncs every block (Datastore.Spec sync: true)'
fi
"$ipfs" daemon --offline >"$dir/daemon.log" 2>&1 &
daemon=$!
until grep -q 'Daemon is ready' "$dir/daemon.log"; do kill -0 "$daemon" && sleep 0.1; done

# Empties the system's cache of files, where one may.
forget() { sync; [ -w /proc/sys/vm/drop_caches ] && echo 1 >/proc/sys/vm/drop_caches; }
kubo_add() { "$ipfs" add -Q --pin=false --cid-version=1 --raw-leaves "$dir/file" >"$dir/kubo.cid" 2>/dev/null; }
kubo_cat() { "$ipfs" cat "$(cat "$dir/kubo.cid")" >/dev/null; }
weft_put() { "$store" put "$dir/store-$round" "$dir/file" >"$dir/put.json"; }
weft_get() { "$store" get "$dir/store-$round" "$(field cid <"$dir/put.json")" >"$dir/get.json"; }

echo "== put and get of $mib MiB: weft beside Kubo's add and cat"
# Other bytes in every round, and nothing removed between them: ext4 is slow to make files soon after it removed some.
for round in $(seq "$rounds"); do
    head -c "$((mib << 20))" /dev/urandom >"$dir/file"
    timed kubo_add; add=$(seconds)
    timed weft_put; put=$(seconds)
    timed kubo_cat; cat=$(seconds)
    timed weft_get; get=$(seconds)
    [ "$(field cid <"$dir/put.json")" = "$(cat "$dir/kubo.cid")" ] || { echo 'the CIDs differ' >&2; exit 1; }
    printf 'round %s: put %s s, add %s s, ratio %s; get %s s, cat %s s, ratio %s; peak %s and %s MB, the daemon %s MB\n' "$round" \
        "$put" "$add" "$(ratio "$add" "$put")" "$get" "$cat" "$(ratio "$cat" "$get")" \
        "$(field peak_mb <"$dir/put.json")" "$(field peak_mb <"$dir/get.json")" \
        "$(awk '/^VmHWM/ { printf "%d", $2 / 1024 }' "/proc/$daemon/status")"
    # What was put lies on the disk alone, what Kubo added in the system's cache too. Both from the disk, and both from the cache:
    if forget; then
        timed kubo_cat; cat=$(seconds)
        forget
        timed weft_get; get=$(seconds)
        printf '         from the disk: get %s s, cat %s s, ratio %s\n' "$get" "$cat" "$(ratio "$cat" "$get")"
    fi
    cat "$dir/store-$round"/blocks/*/* >/dev/null
    kubo_cat
    timed kubo_cat; cat=$(seconds)
    timed weft_get; get=$(seconds)
    printf '         from the cache: get %s s, cat %s s, ratio %s\n' "$get" "$cat" "$(ratio "$cat" "$get")"
done
kill "$daemon"
wait "$daemon" || true
daemon=

echo "== $mib MiB sealed, hashed and kept in one pass, beside each alone"
for round in $(seq "$rounds"); do
    for part in seal hash keep one-pass; do
        case $part in seal | hash) args=() ;; *) args=("$dir/$part-$round") ;; esac
        sync
        "$store" "$part" "${args[@]}" "$mib" >"$dir/$part.json"
    done
    slowest=$(for part in seal hash keep; do field gb_per_s <"$dir/$part.json"; done | sort -g | head -n1)
    printf 'round %s: seal %s GB/s, hash %s, keep %s; one pass %s, of the slowest %s; peak %s MB\n' "$round" \
        "$(field gb_per_s <"$dir/seal.json")" "$(field gb_per_s <"$dir/hash.json")" "$(field gb_per_s <"$dir/keep.json")" \
        "$(field gb_per_s <"$dir/one-pass.json")" "$(ratio "$(field gb_per_s <"$dir/one-pass.json")" "$slowest")" \
        "$(field peak_mb <"$dir/one-pass.json")"
done
