// Queries, keys and values in steps: a workgroup for each head of each row. Keys and values go to where they are kept.

struct Params {
    heads: u32,
    kv_heads: u32,
    head_width: u32,
    // Elements between rows of the products.
    stride: u32,
    // First row of the sequence in the batch, and its position.
    first_row: u32,
    first_position: u32,
    // Whether queries and keys are turned.
    turned: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> y: array<i32>;
// Cosine and sine of each pair, position by position.
@group(0) @binding(2) var<storage, read> angles: array<vec2<i32>>;
// For each row, for each query head: its words and its scale.
@group(0) @binding(3) var<storage, read_write> queries: array<u32>;
// For each position, for each key and value head: the key's words and scale, the value's words and scale.
@group(0) @binding(4) var<storage, read_write> kept: array<u32>;

var<workgroup> most: atomic<u32>;
var<workgroup> most_transformed: atomic<u32>;
var<workgroup> head: array<i32, 128>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let width = params.head_width;
    let half = width / 2u;
    let row = params.first_row + group.y;
    let position = params.first_position + group.y;
    let is_query = group.x < params.heads;
    let is_value = group.x >= params.heads + params.kv_heads;
    let source = row * params.stride + group.x * width;
    if thread < half {
        let a = y[source + thread];
        let b = y[source + thread + half];
        if params.turned == 1u && !is_value {
            let angle = angles[position * half + thread];
            let left = u64_sub(i64_signed_product(a, angle.x), i64_signed_product(b, angle.y));
            let right = u64_add(i64_signed_product(a, angle.y), i64_signed_product(b, angle.x));
            head[thread] = saturated(i64_rounded(left, 30u));
            head[thread + half] = saturated(i64_rounded(right, 30u));
        } else {
            head[thread] = a;
            head[thread + half] = b;
        }
        atomicMax(&most, max(magnitude(head[thread]), magnitude(head[thread + half])));
    }
    workgroupBarrier();
    var largest = atomicLoad(&most);
    var exponent = exponent_of(largest);
    let exponent_before = exponent;
    if !is_value {
        if thread < half {
            head[thread] = normal(head[thread], exponent);
            head[thread + half] = normal(head[thread + half], exponent);
        }
    }
    workgroupBarrier();
    // The Walsh-Hadamard transform, stage by stage; a value's stages do nothing.
    for (var distance = 1u; distance < width; distance *= 2u) {
        if !is_value && thread < half {
            let at = thread / distance * 2u * distance + thread % distance;
            let a = head[at];
            let b = head[at + distance];
            head[at] = a + b;
            head[at + distance] = a - b;
        }
        workgroupBarrier();
    }
    if !is_value && thread < half {
        atomicMax(&most_transformed, max(magnitude(head[thread]), magnitude(head[thread + half])));
    }
    workgroupBarrier();
    if !is_value {
        largest = atomicLoad(&most_transformed);
        exponent = exponent_of(largest);
    }
    let size = normal_largest(largest, exponent);
    var reciprocal = 0;
    if size != 0u {
        reciprocal = i32(532676608u / size);
    }
    let words = (width + 3u) / 4u;
    let kept_words = 2u * (words + 1u);
    var to = 0u;
    if is_query {
        to = (row * params.heads + group.x) * (words + 1u);
    } else if is_value {
        to = (position * params.kv_heads + group.x - params.heads - params.kv_heads) * kept_words + words + 1u;
    } else {
        to = (position * params.kv_heads + group.x - params.heads) * kept_words;
    }
    if thread < words {
        var step: array<i32, 4>;
        for (var i = 0u; i < 4u; i++) {
            let at = 4u * thread + i;
            if at < width {
                step[i] = (normal(head[at], exponent) * reciprocal + (1 << 21u)) >> 22u;
            }
        }
        let word = packed_bytes(step[0], step[1], step[2], step[3]);
        if is_query {
            queries[to + thread] = word;
        } else {
            kept[to + thread] = word;
        }
    }
    if thread == 0u {
        var scale = step_of(U64(size, 0u), PLACES - exponent);
        if !is_value && mantissa(scale) != 0u {
            scale = mantissa(scale) | (u32(places_of(scale) - exponent_before) << 16u);
        }
        if is_query {
            queries[to + words] = scale;
        } else {
            kept[to + words] = scale;
        }
    }
}
