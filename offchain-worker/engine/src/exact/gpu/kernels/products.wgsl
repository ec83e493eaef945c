// Products of rows of steps with a matrix: a thread for each output and ROWS rows.

struct Params {
    rows: u32,
    // Rows of the matrix, filled up to whole workgroups.
    outputs: u32,
    words: u32,
    planes: u32,
    // Words that share a group scale, and how many such groups a row of the matrix has.
    group_words: u32,
    groups: u32,
    // Whether sums are added to what is there.
    residual: u32,
    // Elements from row to row of what is given; outputs from this on are left out.
    stride: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> steps: array<u32>;
@group(0) @binding(2) var<storage, read> scales: array<u32>;
// For each word of a row the outputs side by side.
@group(0) @binding(3) var<storage, read> weights: array<u32>;
// For each group the outputs side by side.
@group(0) @binding(4) var<storage, read> group_scales: array<u32>;
// Scale and bias of each output.
@group(0) @binding(5) var<storage, read> rows_of: array<vec2<u32>>;
@group(0) @binding(6) var<storage, read_write> y: array<i32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let output = id.x;
    let first = id.y * ROWSu;
    var sums: array<i32, ROWS>;
    var fine_sums: array<i32, ROWS>;
    let row_words = params.planes * params.words;
    for (var group = 0u; group < params.groups; group++) {
        var values: array<i32, ROWS>;
        var fine: array<i32, ROWS>;
        for (var word = group * params.group_words; word < (group + 1u) * params.group_words; word++) {
            let w = weights[word * params.outputs + output];
            for (var row = 0u; row < ROWSu; row++) {
                let at = min(first + row, params.rows - 1u) * row_words + word;
                values[row] += dot4I8Packed(w, steps[at]);
                if params.planes == 2u {
                    fine[row] += dot4I8Packed(w, steps[at + params.words]);
                }
            }
        }
        let scale = i32(group_scales[group * params.outputs + output]);
        for (var row = 0u; row < ROWSu; row++) {
            sums[row] += values[row] * scale;
            fine_sums[row] += fine[row] * scale;
        }
    }
    if output >= params.stride {
        return;
    }
    let own = rows_of[output];
    for (var row = 0u; row < ROWSu; row++) {
        if first + row >= params.rows {
            break;
        }
        // round(F, 7), which is 0 where there is no fine plane.
        let fine = fine_sums[row];
        let sum = sums[row] + (fine >> 7u) + ((fine >> 6u) & 1);
        let scale = scales[first + row];
        var result = scaled(sum, mantissa(own.x) * mantissa(scale), places_of(own.x) + places_of(scale) - PLACES);
        result = sum_saturated(result, i32(own.y));
        let at = (first + row) * params.stride + output;
        if params.residual == 1u {
            result = sum_saturated(y[at], result);
        }
        y[at] = result;
    }
}
