// swiglu of each two products, or gelu of each one.

struct Params {
    // Elements of a row of what is given.
    elements: u32,
    gated: u32,
    // Entries of the table.
    entries: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> y: array<i32>;
@group(0) @binding(2) var<storage, read> distribution: array<u32>;
@group(0) @binding(3) var<storage, read_write> inner: array<i32>;

fn share_of(x: i32) -> u32 {
    let size = magnitude(x);
    let entry = size >> 10u;
    var share = 65536u;
    if entry + 1u < params.entries {
        let here = distribution[entry];
        share = here + (((distribution[entry + 1u] - here) * (size & 1023u) + 512u) >> 10u);
    }
    return select(share, 65536u - share, x < 0);
}

fn weighed(x: i32) -> i32 {
    return saturated(i64_rounded(i64_product(x, share_of(x)), 16u));
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= params.elements {
        return;
    }
    let at = id.y * params.elements + id.x;
    if params.gated == 1u {
        let silu = weighed(y[2u * at]);
        inner[at] = saturated(i64_rounded(i64_signed_product(silu, y[2u * at + 1u]), 16u));
    } else {
        inner[at] = weighed(y[at]);
    }
}
