// Attention of one query head of one row over what the sequence keeps: a workgroup for each.

struct Params {
    heads: u32,
    kv_heads: u32,
    head_width: u32,
    first_row: u32,
    // Positions that the first row sees, and how many more each further one.
    visible: u32,
    further: u32,
    // What takes products to exponents of two.
    to_log2: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> queries: array<u32>;
@group(0) @binding(2) var<storage, read> kept: array<u32>;
// 2^(-i / 256) with 30 places.
@group(0) @binding(3) var<storage, read> powers: array<u32>;
@group(0) @binding(4) var<storage, read_write> mixed: array<i32>;

const THREADS: u32 = 64u;
const BLOCK: u32 = 256u;
const MOST_BLOCKS: u32 = 32u;

var<workgroup> query: array<u32, 32>;
var<workgroup> peak: atomic<i32>;
var<workgroup> total: atomic<u32>;
var<workgroup> multiples: array<i32, 256>;
// Of each block: the smallest shift of its values, and whether a sum of it is not 0.
var<workgroup> least: array<atomic<i32>, 32>;
var<workgroup> some: array<atomic<u32>, 32>;

const NONE: i32 = 2147483647;

fn exponent_at(source: u32, words: u32, factor: u32) -> i32 {
    var sum = 0;
    for (var word = 0u; word < words; word++) {
        sum += dot4I8Packed(query[word], kept[source + word]);
    }
    let scale = kept[source + words];
    return scaled(sum, mantissa(scale) * mantissa(factor), places_of(scale) + places_of(factor) - PLACES);
}

// 2^-x with 15 places.
fn weight_of(x: u32) -> u32 {
    let whole = x >> 16u;
    if whole >= 16u {
        return 0u;
    }
    let entry = (x >> 8u) & 0xffu;
    let here = powers[entry];
    let power = here - (((here - powers[entry + 1u]) * (x & 0xffu) + 128u) >> 8u);
    let by = 15u + whole;
    return (power >> by) + ((power >> (by - 1u)) & 1u);
}

fn rounded(x: u32, by: u32) -> u32 {
    if by >= 32u {
        return 0u;
    }
    return (x >> by) + ((x >> (by - 1u)) & 1u);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let width = params.head_width;
    let words = (width + 3u) / 4u;
    let row = params.first_row + group.y;
    let seen = params.visible + params.further * group.y;
    let blocks = (seen + BLOCK - 1u) / BLOCK;
    let kept_words = 2u * (words + 1u);
    let stride = params.kv_heads * kept_words;
    let keys = group.x / (params.heads / params.kv_heads) * kept_words;
    let values = keys + words + 1u;
    let own = (row * params.heads + group.x) * (words + 1u);
    if thread < words {
        query[thread] = queries[own + thread];
    }
    if thread == 0u {
        atomicStore(&peak, -2147483647 - 1);
    }
    if thread < MOST_BLOCKS {
        atomicStore(&least[thread], NONE);
    }
    workgroupBarrier();
    let query_scale = queries[own + words];
    let factor = scale_of(
        U64(mantissa(query_scale) * mantissa(params.to_log2), 0u),
        places_of(query_scale) + places_of(params.to_log2),
    );
    for (var at = thread; at < seen; at += THREADS) {
        atomicMax(&peak, exponent_at(at * stride + keys, words, factor));
        let scale = kept[at * stride + values + words];
        if mantissa(scale) != 0u {
            atomicMin(&least[at / BLOCK], places_of(scale));
        }
    }
    workgroupBarrier();
    let highest = atomicLoad(&peak);
    // Sums of this thread's elements, block by block.
    var sums: array<i32, 64>;
    for (var block = 0u; block < blocks; block++) {
        let first = block * BLOCK;
        let count = min(seen - first, BLOCK);
        let lowest = atomicLoad(&least[block]);
        for (var at = thread; at < count; at += THREADS) {
            let source = (first + at) * stride;
            let below = u32(highest) - u32(exponent_at(source + keys, words, factor));
            let weight = weight_of(below);
            atomicAdd(&total, weight);
            let scale = kept[source + values + words];
            var multiple = 0u;
            if mantissa(scale) != 0u {
                multiple = min(rounded(weight * mantissa(scale), 17u + u32(places_of(scale) - lowest)), 16383u);
            }
            multiples[at] = i32(multiple);
        }
        workgroupBarrier();
        for (var part = 0u; part < 2u; part++) {
            let element = thread + part * THREADS;
            if element < width {
                var sum = 0;
                let left = 24u - 8u * (element % 4u);
                for (var at = 0u; at < count; at++) {
                    let word = kept[(first + at) * stride + values + element / 4u];
                    sum += multiples[at] * (i32(word << left) >> 24u);
                }
                sums[2u * block + part] = sum;
                if sum != 0 {
                    atomicOr(&some[block], 1u);
                }
            }
        }
        workgroupBarrier();
    }
    var lowest = NONE;
    for (var block = 0u; block < blocks; block++) {
        if atomicLoad(&some[block]) != 0u {
            lowest = min(lowest, atomicLoad(&least[block]));
        }
    }
    lowest = select(lowest, 0, lowest == NONE);
    let fewer = bits_of(blocks - 1u);
    var reciprocal = 0u;
    let weights = atomicLoad(&total);
    if weights != 0u {
        reciprocal = scale_of(u64_quotient(U64(0u, 65536u), U64(weights, 0u)), 48);
    }
    for (var part = 0u; part < 2u; part++) {
        let element = thread + part * THREADS;
        if element < width {
            var sum = 0;
            for (var block = 0u; block < blocks; block++) {
                // A block whose values are all 0 counts with shift 0.
                let shift = atomicLoad(&least[block]);
                let more = max(select(shift, 0, shift == NONE) - lowest, 0);
                sum += i32(i64_rounded(i64_of(sums[2u * block + part]), fewer + u32(more)).x);
            }
            let places = places_of(reciprocal) + lowest - 17 - i32(fewer) - PLACES;
            mixed[(row * params.heads + group.x) * width + element] = scaled(sum, mantissa(reciprocal), places);
        }
    }
}
