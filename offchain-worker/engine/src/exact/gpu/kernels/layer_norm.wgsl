// layer_norm(x, gain, bias) in place, a workgroup for each row.

struct Params {
    elements: u32,
    epsilon_low: u32,
    epsilon_high: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> x: array<i32>;
// Gain and bias of each element.
@group(0) @binding(2) var<storage, read> gains: array<vec2<i32>>;

const THREADS: u32 = 128u;

var<workgroup> parts: array<vec2<u32>, 128>;
var<workgroup> most: atomic<u32>;
var<workgroup> mean: i32;
var<workgroup> factor: u32;

fn sum_of_parts() -> U64 {
    var sum = U64(0u, 0u);
    for (var i = 0u; i < THREADS; i++) {
        sum = u64_add(sum, parts[i]);
    }
    return sum;
}

// div(x, by), by not 0.
fn divided(x: U64, by: u32) -> i32 {
    let is_negative = i32(x.y) < 0;
    var size = x;
    if is_negative {
        size = u64_negated(x);
    }
    var quotient = u64_quotient(size, U64(by, 0u)).x;
    // Below `by`, so that the low words say it.
    var rest = size.x - u64_product(quotient, by).x;
    if is_negative {
        quotient = u32(-i32(quotient));
        if rest != 0u {
            quotient -= 1u;
            rest = by - rest;
        }
    }
    return i32(quotient + select(0u, 1u, 2u * rest >= by));
}

@compute @workgroup_size(128)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let first = group.x * params.elements;
    var sum = U64(0u, 0u);
    for (var at = thread; at < params.elements; at += THREADS) {
        sum = u64_add(sum, i64_of(x[first + at]));
    }
    parts[thread] = sum;
    workgroupBarrier();
    if thread == 0u {
        mean = divided(sum_of_parts(), params.elements);
    }
    workgroupBarrier();
    let less = i64_of(mean);
    for (var at = thread; at < params.elements; at += THREADS) {
        let centred = saturated(u64_sub(i64_of(x[first + at]), less));
        x[first + at] = centred;
        atomicMax(&most, magnitude(centred));
    }
    workgroupBarrier();
    let exponent = exponent_of(atomicLoad(&most));
    sum = U64(0u, 0u);
    for (var at = thread; at < params.elements; at += THREADS) {
        let v = magnitude(normal(x[first + at], exponent));
        sum = u64_add(sum, U64(v * v, 0u));
    }
    parts[thread] = sum;
    workgroupBarrier();
    if thread == 0u {
        let epsilon = U64(params.epsilon_low, params.epsilon_high);
        let root = max(root_mean_square(sum_of_parts(), params.elements, exponent, epsilon), 1u);
        let quotient = u64_quotient(U64(0u, 256u), U64(root, 0u));
        factor = select(quotient.x, 0xffffffffu, quotient.y != 0u);
    }
    workgroupBarrier();
    let by = factor;
    for (var at = thread; at < params.elements; at += THREADS) {
        let y = saturated(i64_rounded(i64_product(normal(x[first + at], exponent), by), 14u));
        let own = gains[at];
        let scaled_y = i64_rounded(i64_signed_product(y, own.x), 16u);
        x[first + at] = saturated(u64_add(scaled_y, i64_of(own.y)));
    }
}
