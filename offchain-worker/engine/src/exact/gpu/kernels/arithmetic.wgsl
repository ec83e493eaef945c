// Numbers of 64 bits in pieces of 32, and what docs/exact-arithmetic.md makes of them. Put before every kernel.

// Low word, high word.
alias U64 = vec2<u32>;

const PLACES: i32 = 16;

fn magnitude(x: i32) -> u32 {
    return u32(select(x, -x, x < 0));
}

fn bits_of(x: u32) -> u32 {
    return 32u - countLeadingZeros(x);
}

fn u64_bits(x: U64) -> u32 {
    return select(bits_of(x.x), 32u + bits_of(x.y), x.y != 0u);
}

fn u64_add(a: U64, b: U64) -> U64 {
    let low = a.x + b.x;
    return U64(low, a.y + b.y + select(0u, 1u, low < a.x));
}

fn u64_negated(a: U64) -> U64 {
    return u64_add(U64(~a.x, ~a.y), U64(1u, 0u));
}

fn u64_sub(a: U64, b: U64) -> U64 {
    return U64(a.x - b.x, a.y - b.y - select(0u, 1u, a.x < b.x));
}

fn u64_less(a: U64, b: U64) -> bool {
    return a.y < b.y || (a.y == b.y && a.x < b.x);
}

fn u64_product(a: u32, b: u32) -> U64 {
    let a_high = a >> 16u;
    let a_low = a & 0xffffu;
    let b_high = b >> 16u;
    let b_low = b & 0xffffu;
    let low = a_low * b_low;
    let middle = a_high * b_low;
    let other = a_low * b_high;
    // Each term is below 2^16.
    let carry = (low >> 16u) + (middle & 0xffffu) + (other & 0xffffu);
    return U64((low & 0xffffu) | (carry << 16u), a_high * b_high + (middle >> 16u) + (other >> 16u) + (carry >> 16u));
}

fn i64_of(x: i32) -> U64 {
    return U64(u32(x), u32(x >> 31u));
}

// Of a signed and an unsigned number.
fn i64_product(a: i32, b: u32) -> U64 {
    let product = u64_product(magnitude(a), b);
    if a < 0 {
        return u64_negated(product);
    }
    return product;
}

// Of two signed numbers.
fn i64_signed_product(a: i32, b: i32) -> U64 {
    let product = u64_product(magnitude(a), magnitude(b));
    if (a < 0) != (b < 0) {
        return u64_negated(product);
    }
    return product;
}

fn u64_left(x: U64, by: u32) -> U64 {
    if by == 0u {
        return x;
    }
    if by >= 64u {
        return U64(0u, 0u);
    }
    if by >= 32u {
        return U64(0u, x.x << (by - 32u));
    }
    return U64(x.x << by, (x.y << by) | (x.x >> (32u - by)));
}

fn u64_right(x: U64, by: u32) -> U64 {
    if by == 0u {
        return x;
    }
    if by >= 64u {
        return U64(0u, 0u);
    }
    if by >= 32u {
        return U64(x.y >> (by - 32u), 0u);
    }
    return U64((x.x >> by) | (x.y << (32u - by)), x.y >> by);
}

// With the sign, by less than 64.
fn i64_right(x: U64, by: u32) -> U64 {
    if by == 0u {
        return x;
    }
    let high = i32(x.y);
    if by >= 32u {
        return U64(u32(high >> (by - 32u)), u32(high >> 31u));
    }
    return U64((x.x >> by) | (x.y << (32u - by)), u32(high >> by));
}

// round(x, by): the bit below the last that stays decides.
fn i64_rounded(x: U64, by: u32) -> U64 {
    if by == 0u {
        return x;
    }
    if by >= 63u {
        return U64(0u, 0u);
    }
    return u64_add(i64_right(x, by), U64(u64_right(x, by - 1u).x & 1u, 0u));
}

// sat(x)
fn saturated(x: U64) -> i32 {
    let low = i32(x.x);
    let high = i32(x.y);
    if high == (low >> 31u) {
        return low;
    }
    return select(2147483647, -2147483647 - 1, high < 0);
}

fn sum_saturated(a: i32, b: i32) -> i32 {
    return saturated(u64_add(i64_of(a), i64_of(b)));
}

// a * b / 2^places, rounded and saturated.
fn scaled(a: i32, b: u32, places: i32) -> i32 {
    let product = i64_product(a, b);
    if places >= 0 {
        return saturated(i64_rounded(product, u32(places)));
    }
    let ended = saturated(product);
    let again = i64_of(ended);
    if again.x != product.x || again.y != product.y {
        return ended;
    }
    return saturated(u64_left(product, u32(min(-places, 32))));
}

// Quotient, rounded down, of a divisor below 2^63 that is not 0.
fn u64_quotient(n: U64, d: U64) -> U64 {
    var rest = U64(0u, 0u);
    var quotient = U64(0u, 0u);
    for (var i = 0u; i < 64u; i++) {
        let at = 63u - i;
        rest = u64_left(rest, 1u);
        rest.x |= u64_right(n, at).x & 1u;
        quotient = u64_left(quotient, 1u);
        if !u64_less(rest, d) {
            rest = u64_sub(rest, d);
            quotient.x |= 1u;
        }
    }
    return quotient;
}

fn root_of(x: U64) -> u32 {
    var root = 0u;
    for (var i = 0u; i < 32u; i++) {
        let candidate = root | (1u << (31u - i));
        if !u64_less(x, u64_product(candidate, candidate)) {
            root = candidate;
        }
    }
    return root;
}

// A scale in one word: mantissa in the low half, shift with its sign in the high one.
fn scale_of(x: U64, places: i32) -> u32 {
    if x.x == 0u && x.y == 0u {
        return 0u;
    }
    let drop = i32(u64_bits(x)) - 16;
    var m = 0u;
    if drop >= 0 {
        m = u64_right(x, u32(drop)).x;
    } else {
        m = x.x << u32(-drop);
    }
    return m | (u32(places - drop) << 16u);
}

fn mantissa(scale: u32) -> u32 {
    return scale & 0xffffu;
}

fn places_of(scale: u32) -> i32 {
    return i32(scale) >> 16u;
}

// step(x, places)
fn step_of(x: U64, places: i32) -> u32 {
    return scale_of(u64_quotient(u64_left(x, 24u), U64(127u, 0u)), places + 24);
}

// Of normalised values.
fn root_mean_square(squares: U64, count: u32, exponent: i32, epsilon: U64) -> u32 {
    let mean = u64_quotient(u64_left(squares, 20u), U64(count, 0u));
    let places = 2 * (PLACES - exponent) + 20 - 40;
    var more = U64(0u, 0u);
    if places <= -64 {
        more = U64(0u, 0u);
    } else if places < 0 {
        more = u64_right(epsilon, u32(-places));
    } else if u32(places) + u64_bits(epsilon) > 64u {
        more = U64(0xffffffffu, 0xffffffffu);
    } else {
        more = u64_left(epsilon, u32(places));
    }
    var sum = u64_add(mean, more);
    if u64_less(sum, mean) {
        sum = U64(0xffffffffu, 0xffffffffu);
    }
    return root_of(sum);
}

// An element of a normalised vector.
fn normal(x: i32, exponent: i32) -> i32 {
    if exponent >= 0 {
        let size = i32(magnitude(x) >> u32(exponent));
        return select(size, -size, x < 0);
    }
    return x << u32(-exponent);
}

// The largest magnitude as normalised.
fn normal_largest(largest: u32, exponent: i32) -> u32 {
    if exponent >= 0 {
        return largest >> u32(exponent);
    }
    return largest << u32(-exponent);
}

fn exponent_of(largest: u32) -> i32 {
    return select(i32(bits_of(largest)) - 15, 0, largest == 0u);
}

// Four bytes, the first in the lowest.
fn packed_bytes(a: i32, b: i32, c: i32, d: i32) -> u32 {
    return (u32(a) & 0xffu) | ((u32(b) & 0xffu) << 8u) | ((u32(c) & 0xffu) << 16u) | (u32(d) << 24u);
}
