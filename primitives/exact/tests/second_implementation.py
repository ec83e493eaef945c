"""A second implementation of some operators, from docs/exact-arithmetic.md alone.

Reads lines `operator|arguments|...|result` from the standard input, lists of integers all of them, and recomputes each.
Prints what differs, and exits with 1 if anything does; else prints how many lines it has checked.
"""

import sys
from math import isqrt

PLACES = 16


def rnd(x, s):
    return 0 if s >= 63 else x if s == 0 else (x + (1 << (s - 1))) >> s


def sat(x):
    return max(-(2**31), min(2**31 - 1, x))


def scale(x, s):
    if x == 0:
        return (0, 0)
    drop = x.bit_length() - 16
    return (x >> drop if drop >= 0 else x << -drop, s - drop)


def scaled(a, b, s):
    if s >= 0:
        return sat(rnd(a * b, s))
    return sat(sat(a * b) << min(-s, 32))


def apply2(one, other, a, p):
    return scaled(a, one[0] * other[0], one[1] + other[1] - p)


def normalise(x):
    largest = max((abs(v) for v in x), default=0)
    if largest == 0:
        return [0] * len(x), 0, 0
    e = largest.bit_length() - 15
    shift = (lambda v: v >> e) if e >= 0 else (lambda v: v << -e)
    return [shift(abs(v)) * (1 if v >= 0 else -1) for v in x], shift(largest), e


def steps(v, largest):
    if largest == 0:
        return [0] * len(v)
    r = (127 << 22) // largest
    return [rnd(x * r, 22) for x in v]


def step(y, s):
    return scale((y << 24) // 127, s + 24)


def quantise(x):
    v, largest, e = normalise(x)
    return steps(v, largest), step(largest, PLACES - e)


def quantise_transformed(x, n):
    v, _, e = normalise(x)
    whole = len(v) // n * n
    sums = lambda b: [sum(-w if bin(i & j).count("1") % 2 else w for j, w in enumerate(b)) for i in range(n)]
    y = [s for at in range(0, whole, n) for s in sums(v[at : at + n])] + v[whole:]
    q, (mantissa, shift) = quantise(y)
    return q, (mantissa, shift - e if mantissa else 0)


def root(v, e, epsilon):
    mean = (sum(x * x for x in v) << 20) // len(v) if v else 0
    s = 2 * (16 - e) + 20 - 40
    more = epsilon << s if s >= 0 else epsilon >> -s
    return isqrt(min(mean + more, 2**64 - 1))


def rms_norm(x, epsilon):
    v, largest, e = normalise(x)
    r = root(v, e, epsilon)
    return steps(v, largest), step((largest << 40) // r if r else 0, 30)


def layer_norm(x, gain, bias, epsilon):
    mean = (2 * sum(x) + len(x)) // (2 * len(x))
    v, _, e = normalise([sat(a - mean) for a in x])
    r = min((1 << 40) // max(root(v, e, epsilon), 1), 2**32 - 1)
    return [sat(rnd(sat(rnd(a * r, 14)) * g, 16) + b) for a, g, b in zip(v, gain, bias)]


def powers():
    roots = [1 << 30]
    for _ in range(8):
        roots.append(isqrt(roots[-1] << 31))
    table = []
    for i in range(256):
        p = 1 << 31
        for k in range(8):
            if i >> (7 - k) & 1:
                p = p * roots[k + 1] >> 31
        table.append((p + 1) // 2)
    return table + [1 << 29]


T = powers()


def exp2_of_minus(x):
    w, i, f = x >> 16, x >> 8 & 255, x & 255
    return 0 if w >= 16 else rnd(T[i] - ((T[i] - T[i + 1]) * f + 128 >> 8), 15 + w)


def sigmoid(x):
    d = abs(x) * 94548 >> 16
    p = exp2_of_minus(d) if d < 2**32 else 0
    h = 2**15 + p
    return ((2**15 if x >= 0 else p) * 2**16 + h // 2) // h


def silu(x):
    return sat(rnd(x * sigmoid(x), 16))


def gelu(x):
    size = abs(x)
    if size >= 16 << 16:
        return max(x, 0)
    t = (1 << 60) // ((1 << 30) + (size * 248724948 >> 16))
    y = 0
    for c in (1139728017, -1560358029, 1526238880, -305476434, 273620908):
        y = (y * t >> 30) + c
    d = (size * size >> 16) * 94548 >> 17
    tail = rnd((y * t >> 30) * exp2_of_minus(d), 30)
    return sat(rnd(x * (65536 - tail if x >= 0 else tail), 16))


def attend(query, keys, values, width, c):
    """`keys` and `values` one row after the other, in fixed numbers; all are quantised here."""
    rows = lambda flat: [quantise(flat[i : i + width]) for i in range(0, len(flat), width)]
    q, qs = quantise(query)
    keys, values = rows(keys), rows(values)
    factor = scale(qs[0] * c[0], qs[1] + c[1])
    t = [apply2(ks, factor, sum(a * b for a, b in zip(q, k)), 16) for k, ks in keys]
    p = [exp2_of_minus(max(t) - e) for e in t]
    shifts = [s for _, (m, s) in values if m > 0]
    if not shifts:
        return [0] * width
    least = min(shifts)
    a = [rnd(w * m, 16 + max(s - least, 0)) for w, (_, (m, s)) in zip(p, values)]
    b = max(sum(p).bit_length() - 23, 0)
    unit, inverse = (1 << 15, least - 1 - b), scale((1 << 48) // sum(p), 48)
    sums = [sum(x * v[i] for x, (v, _) in zip(a, values)) for i in range(width)]
    return [apply2(inverse, unit, sat(rnd(s, b)), 16) for s in sums]


def quantised(result):
    values, (mantissa, shift) = result
    return values + [mantissa, shift]


OPERATORS = {
    "quantise": lambda x: quantised(quantise(x)),
    "quantise_transformed": lambda x, n: quantised(quantise_transformed(x, n[0])),
    "rms_norm": lambda x, epsilon: quantised(rms_norm(x, epsilon[0])),
    "layer_norm": lambda x, gain, bias, epsilon: layer_norm(x, gain, bias, epsilon[0]),
    "sigmoid": lambda x: [sigmoid(v) for v in x],
    "silu": lambda x: [silu(v) for v in x],
    "gelu": lambda x: [gelu(v) for v in x],
    "attend": lambda query, keys, values, width, c: attend(query, keys, values, width[0], c),
}

checked = 0
for line in sys.stdin:
    name, *parts = line.strip().split("|")
    *arguments, result = [[int(n) for n in part.split(",") if n] for part in parts]
    ours = OPERATORS[name](*arguments)
    if ours != result:
        sys.exit(f"{name}{tuple(arguments)} is {ours} here and {result} there")
    checked += 1
print(checked)
