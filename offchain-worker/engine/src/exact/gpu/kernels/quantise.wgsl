// quantise(x) or rms_norm(x), a workgroup for each row.

struct Params {
    elements: u32,
    // Words of a plane; what is beyond the elements is zero.
    words: u32,
    planes: u32,
    norm: u32,
    epsilon: vec2<u32>,
    // First row of x, and of the steps.
    first_row: u32,
    to_row: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<i32>;
@group(0) @binding(2) var<storage, read_write> steps: array<u32>;
@group(0) @binding(3) var<storage, read_write> scales: array<u32>;

const THREADS: u32 = 128u;

var<workgroup> most: atomic<u32>;
var<workgroup> squares: array<vec2<u32>, 128>;

fn step_at(row: u32, at: u32, exponent: i32, reciprocal: i32) -> i32 {
    if at >= params.elements {
        return 0;
    }
    let v = normal(x[row * params.elements + at], exponent);
    if params.planes == 1u {
        return (v * reciprocal + (1 << 21u)) >> 22u;
    }
    return (v * reciprocal + (1 << 15u)) >> 16u;
}

@compute @workgroup_size(128)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let row = params.first_row + group.x;
    let to_row = params.to_row + group.x;
    for (var at = thread; at < params.elements; at += THREADS) {
        atomicMax(&most, magnitude(x[row * params.elements + at]));
    }
    workgroupBarrier();
    let largest = atomicLoad(&most);
    let exponent = exponent_of(largest);
    let size = normal_largest(largest, exponent);
    if params.norm == 1u {
        var sum = U64(0u, 0u);
        for (var at = thread; at < params.elements; at += THREADS) {
            let v = magnitude(normal(x[row * params.elements + at], exponent));
            sum = u64_add(sum, U64(v * v, 0u));
        }
        squares[thread] = sum;
    }
    workgroupBarrier();
    if thread == 0u {
        var scale = 0u;
        if params.norm == 1u {
            var sum = U64(0u, 0u);
            for (var i = 0u; i < THREADS; i++) {
                sum = u64_add(sum, squares[i]);
            }
            let root = root_mean_square(sum, params.elements, exponent, params.epsilon);
            if root != 0u {
                scale = step_of(u64_quotient(u64_left(U64(size, 0u), 40u), U64(root, 0u)), 30);
            }
        } else {
            scale = step_of(U64(size, 0u), PLACES - exponent);
        }
        scales[to_row] = scale;
    }
    var reciprocal = 0;
    if size != 0u {
        reciprocal = i32(select(1065353216u, 532676608u, params.planes == 1u) / size);
    }
    for (var word = thread; word < params.words; word += THREADS) {
        let a = step_at(row, 4u * word, exponent, reciprocal);
        let b = step_at(row, 4u * word + 1u, exponent, reciprocal);
        let c = step_at(row, 4u * word + 2u, exponent, reciprocal);
        let d = step_at(row, 4u * word + 3u, exponent, reciprocal);
        let first = to_row * params.planes * params.words + word;
        if params.planes == 1u {
            steps[first] = packed_bytes(a, b, c, d);
        } else {
            let values = vec4<i32>((a + 64) >> 7u, (b + 64) >> 7u, (c + 64) >> 7u, (d + 64) >> 7u);
            let fine = vec4<i32>(a, b, c, d) - values * 128;
            steps[first] = packed_bytes(values.x, values.y, values.z, values.w);
            steps[first + params.words] = packed_bytes(fine.x, fine.y, fine.z, fine.w);
        }
    }
}
