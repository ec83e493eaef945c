"""A second implementation, from docs/exact-arithmetic.md alone.

Reads lines `operator|argument|...|result` from the standard input, lists of integers all of them, and recomputes each.
Prints what differs, and exits with 1 if anything does; else prints how many lines it has checked of each operator.
"""

import sys
from collections import Counter
from hashlib import blake2b
from math import isqrt

# Numbers.


def rnd(x, s):
    return 0 if s >= 63 else x if s == 0 else (x + (1 << (s - 1))) >> s


def div(x, n):
    return (2 * x + n) // (2 * n) if n else 0


def sat(x, bits=32):
    return max(-(1 << (bits - 1)), min((1 << (bits - 1)) - 1, x))


def scale(x, s):
    if x == 0:
        return (0, 0)
    drop = x.bit_length() - 16
    return (x >> drop if drop >= 0 else x << -drop, s - drop)


def scaled(product, s):
    return sat(rnd(product, s)) if s >= 0 else sat(sat(product) << min(-s, 32))


def apply(one, a, p):
    return scaled(a * one[0], one[1] - p)


def apply2(one, other, a, p):
    return scaled(a * one[0] * other[0], one[1] + other[1] - p)


def dot(a, b):
    return sum(x * y for x, y in zip(a, b))


# Quantised vectors are (q, f, scale), f empty if they are narrow.


def normalise(x):
    largest = max((abs(v) for v in x), default=0)
    if largest == 0:
        return [0] * len(x), 0, 0
    e = largest.bit_length() - 15
    shift = (lambda v: v >> e) if e >= 0 else (lambda v: v << -e)
    return [shift(abs(v)) * (1 if v >= 0 else -1) for v in x], shift(largest), e


def steps(v, l, wide):
    if not wide:
        r = (127 << 22) // l if l else 0
        return [rnd(x * r, 22) for x in v], []
    r = (16256 << 16) // l if l else 0
    n = [rnd(x * r, 16) for x in v]
    q = [(x + 64) >> 7 for x in n]
    return q, [x - 128 * y for x, y in zip(n, q)]


def step(y, s):
    return scale((y << 24) // 127, s + 24)


def quantise(x, wide=False):
    v, l, e = normalise(x)
    return *steps(v, l, wide), step(l, 16 - e)


def quantise_transformed(x, n):
    v, _, e = normalise(x)
    whole = len(v) // n * n
    sums = lambda b: [sum(-w if bin(i & j).count("1") % 2 else w for j, w in enumerate(b)) for i in range(n)]
    y = [s for at in range(0, whole, n) for s in sums(v[at : at + n])] + v[whole:]
    q, f, (m, s) = quantise(y)
    return q, f, (m, s - e if m else 0)


# Matrices are (columns, g, weights, group scales, row scales, bias).


def grouped(matrix, j):
    columns, g, weights, scales, _, _ = matrix
    groups = columns // g
    return [weights[j * columns + i] * scales[j * groups + i // g] for i in range(columns)]


def forward(matrix, x):
    q, f, s = x
    result = []
    for j, row_scale in enumerate(matrix[4]):
        row = grouped(matrix, j)
        total = dot(row, q) + (rnd(dot(row, f), 7) if f else 0)
        result.append(sat(apply2(row_scale, s, total, 16) + (matrix[5][j] if matrix[5] else 0)))
    return result


def row(matrix, j):
    return [apply(matrix[4][j], w, 16) for w in grouped(matrix, j)]


def root(v, e, epsilon):
    mean = (sum(x * x for x in v) << 20) // len(v) if v else 0
    s = 2 * (16 - e) + 20 - 40
    more = min(epsilon << s if s >= 0 else epsilon >> -s, 2**64 - 1)
    return isqrt(min(mean + more, 2**64 - 1))


def rms_norm(x, epsilon, wide=False):
    v, l, e = normalise(x)
    r = root(v, e, epsilon)
    return *steps(v, l, wide), step((l << 40) // r if r else 0, 30)


def layer_norm(x, gain, bias, epsilon):
    mean = div(sum(x), len(x))
    v, _, e = normalise([sat(a - mean) for a in x])
    r = min((1 << 40) // max(root(v, e, epsilon), 1), 2**32 - 1)
    return [sat(rnd(sat(rnd(a * r, 14)) * g, 16) + b) for a, g, b in zip(v, gain, bias)]


# Powers of two, and attention.


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


def power(x):
    i, f = x >> 8, x & 255
    return T[i] - ((T[i] - T[i + 1]) * f + 128) // 256


def exp2_of_minus(x):
    w = x >> 16
    return 0 if w >= 16 else rnd(power(x % 2**16), 15 + w)


def exponents(query, keys, c):
    q, _, (m, s) = query
    factor = scale(m * c[0], s + c[1])
    return [apply2(key[2], factor, dot(q, key[0]), 16) for key in keys]


def mix(t, peak, values):
    """P, S and A."""
    p = [exp2_of_minus(max(peak - e, 0)) for e in t]
    least = min((s for _, _, (m, s) in values if m > 0), default=0)
    a = [min(rnd(w * m, 17 + max(s - least, 0)), 2**14 - 1) for w, (_, _, (m, s)) in zip(p, values)]
    return sum(p), least, [sum(w * v[0][i] for w, v in zip(a, values)) for i in range(len(values[0][0]))]


def combine(blocks):
    least = min((s for _, s, sums in blocks if any(sums)), default=0)
    h = (len(blocks) - 1).bit_length()
    total = sum(p for p, _, _ in blocks)
    m, s = scale(2**48 // total if total else 0, 48)
    z = [sum(rnd(a[i], h + max(b - least, 0)) for _, b, a in blocks) for i in range(len(blocks[0][2]))]
    return [scaled(x * m, s + least - 17 - h - 16) for x in z]


def attend(query, keys, values, c):
    t = exponents(query, keys, c)
    return combine([mix(t[at : at + 256], max(t), values[at : at + 256]) for at in range(0, len(t), 256)])


# Activations, positions, pooling.


def decay(x):
    w = x >> 16
    return 0 if w >= 32 else power(x % 2**16) >> w


def logistic(i):
    w = 2**30 + decay(i * 94548 // 64)
    return (2**46 + w // 2) // w


def normal(i):
    t = 2**60 // (2**30 + i * 248724948 // 64)
    y = 0
    for c in (1139728017, -1560358029, 1526238880, -305476434, 273620908):
        y = (y * t >> 30) + c
    return 65536 - rnd((y * t >> 30) * decay(i * i * 94548 // 2**13), 45)


LOGISTIC = [logistic(i) for i in range(1025)]
NORMAL = [normal(i) for i in range(513)]


def share(table, x):
    i, f = abs(x) >> 10, abs(x) % 2**10
    y = table[i] + ((table[i + 1] - table[i]) * f + 512) // 1024 if i + 1 < len(table) else 65536
    return 65536 - y if x < 0 else y


def sigmoid(x):
    return share(LOGISTIC, x)


def silu(x):
    return sat(rnd(x * sigmoid(x), 16))


def swiglu(g, u):
    return sat(rnd(silu(g) * u, 16))


def gelu(x):
    return sat(rnd(x * share(NORMAL, x), 16))


def turn(head, angles):
    half = len(head) // 2
    left, right = [], []
    for a, b, (cosine, sine) in zip(head[:half], head[half:], angles):
        left.append(sat(rnd(sat(a * cosine - b * sine, 64), 30)))
        right.append(sat(rnd(sat(a * sine + b * cosine, 64), 30)))
    return left + right


def pool(rows):
    return [sum(column) for column in zip(*rows)]


def mean(blocks, count):
    return [sat(div(sum(column), count)) for column in zip(*blocks)]


def unit(x):
    v, _, _ = normalise(x)
    r = isqrt(sum(a * a for a in v) << 20)
    return [div(a << 34, r) for a in v]


# Trees.


def le(x, size):
    return (x % 2 ** (8 * size)).to_bytes(size, "little")


def words(numbers, size=4):
    return b"".join(le(x, size) for x in numbers)


def blake(data):
    return blake2b(data, digest_size=32).digest()


def hashed(domain, data):
    return blake(le(len(domain), 8) + domain + data)


def leaf(data):
    return blake(b"\0" + data)


def merkle_root(leaves):
    level = leaves or [bytes(32)]
    while len(level) > 1:
        pairs = [level[at : at + 2] for at in range(0, len(level), 2)]
        level = [blake(b"\1" + pair[0] + pair[1]) if len(pair) == 2 else pair[0] for pair in pairs]
    return blake(b"\2" + le(len(leaves), 8) + level[0])


def proof_root(at, number, siblings, digest):
    last, count = number - 1, number
    while last:
        if at % 2:
            digest = blake(b"\1" + siblings.pop(0) + digest)
        elif at < last:
            digest = blake(b"\1" + digest + siblings.pop(0))
        at, last = at // 2, last // 2
    assert not siblings
    return blake(b"\2" + le(count, 8) + digest)


# Sampling. A choice is (m, s, top_p, seed).


def mass(x, highest, choice):
    e = max(apply(choice[:2], min(max(highest - x, 0), 2**31 - 1), 0), 0)
    return (e >> 13, power(e % 2**16) >> (e >> 16)) if e >> 13 < 128 else None


def masses(logits, highest, choice):
    sums = [0] * 128
    for one in filter(None, (mass(x, highest, choice) for x in logits)):
        sums[one[0]] += one[1]
    return sums


def draw(chunks, choice, position):
    end = 2**64 - 1
    buckets = [min(sum(column), end) for column in zip(*chunks)]
    wanted = -(-min(sum(buckets), end) * min(choice[2], 65536) // 2**16)
    kept = 0
    for last, bucket in enumerate(buckets):
        kept = min(kept + bucket, end)
        if kept >= wanted and kept > 0:
            break
    else:
        return []
    u = int.from_bytes(hashed(b"weft sample", le(choice[3], 8) + le(position, 8))[:8], "little")
    rest = u * kept // 2**64
    for at, chunk in enumerate(chunks):
        size = min(sum(chunk[: last + 1]), end)
        if rest < size:
            return [at, last, rest]
        rest -= size
    return []


def token(logits, first, highest, choice, drawn):
    _, last, rest = drawn
    for at, x in enumerate(logits):
        one = mass(x, highest, choice)
        if one and one[0] <= last:
            if rest < one[1]:
                return [first + at]
            rest -= one[1]
    return []


def choose(logits, choice, position):
    highest = max(logits)
    if not choice:
        return logits.index(highest)
    chunks = [logits[at : at + 8192] for at in range(0, len(logits), 8192)]
    drawn = draw([masses(chunk, highest, choice) for chunk in chunks], choice, position)
    return token(chunks[drawn[0]], drawn[0] * 8192, highest, choice, drawn)[0]


# Programs.

SIZES = ("width", "layers", "heads", "kv_heads", "head_width", "inner", "vocabulary", "context")
INPUTS = ("query-key-value", "output", "up", "down", "head")
SHAPES = ("embed", *INPUTS)


def rows_per_tile(shape, together):
    """`together` of tokens and positions of BERT."""
    columns, g, four, bias = shape
    of_row = (columns + 1) // 2 if four else columns
    of_row += columns // g + 4 + 4 * bias
    most = ((32768 if together else 65536) - 2 * columns - 1024) // (of_row + 4)
    return max([n for n in (2, 4, 8, 16, 32, 64) if n <= most], default=2)


class Model:
    """From the numbers of a configuration, and the bytes of each part, one part after the other."""

    def __init__(self, numbers, data):
        numbers = iter(numbers)
        self.bert = next(numbers) == 1
        self.sizes = [next(numbers) for _ in SIZES]
        for name, size in zip(SIZES, self.sizes):
            setattr(self, name, size)
        self.epsilon = next(numbers)
        self.c = next(numbers), next(numbers)
        self.wide = {name: next(numbers) for name in INPUTS}
        # Columns, g, whether of four bits, whether with a bias.
        self.shapes = {name: [next(numbers) for _ in range(4)] for name in SHAPES}
        self.shapes["positions"] = self.shapes["embed"]
        self.data = bytes(data)
        self.parts = {}
        self.leaves = []
        heads = (self.heads + 2 * self.kv_heads) * self.head_width
        if self.bert:
            self.read(0, "embed", self.vocabulary)
            self.read(0, "positions", self.context)
            self.read_gains(0, "embed-norm")
        else:
            self.read(0, "embed", self.vocabulary)
            self.read_angles()
        for layer in range(self.layers):
            self.read(layer, "query-key-value", heads)
            self.read(layer, "output", self.width)
            if self.bert:
                self.read_gains(layer, "output-norm")
            self.read(layer, "up", self.inner if self.bert else 2 * self.inner)
            self.read(layer, "down", self.width)
            if self.bert:
                self.read_gains(layer, "down-norm")
        if not self.bert:
            self.read(0, "head", self.vocabulary)
        assert not self.data

    def take(self, count, size=1, signed=True):
        part, self.data = self.data[: count * size], self.data[count * size :]
        chunks = (part[at : at + size] for at in range(0, len(part), size))
        return [int.from_bytes(chunk, "little", signed=signed) for chunk in chunks]

    def read(self, layer, part, rows):
        columns, g, four, bias = self.shapes[part]
        if four:
            pairs = self.take((rows * columns + 1) // 2, signed=False)
            weights = [half - 8 for pair in pairs for half in (pair & 15, pair >> 4)][: rows * columns]
        else:
            weights = self.take(rows * columns)
        groups = columns // g
        scales = self.take(rows * groups, signed=False)
        flat = [(self.take(1, 2, False)[0], self.take(1, 2)[0]) for _ in range(rows)]
        biases = self.take(rows, 4) if bias else []
        self.parts[layer, part] = (columns, g, weights, scales, flat, biases)
        of_tile = rows_per_tile(self.shapes[part], self.bert and part in ("embed", "positions"))
        for first in range(0, rows, of_tile):
            last = min(first + of_tile, rows)
            w = weights[first * columns : last * columns]
            if four:
                w = [x + 8 for x in w] + [0] * (len(w) % 2)
                data = bytes(low | high << 4 for low, high in zip(w[::2], w[1::2]))
            else:
                data = words(w, 1)
            data += bytes(scales[first * groups : last * groups])
            data += b"".join(le(m, 2) + le(s, 2) for m, s in flat[first:last])
            self.leaves.append(leaf(data + words(biases[first:last])))

    def read_gains(self, layer, part):
        gain, bias = self.take(self.width, 4), self.take(self.width, 4)
        self.parts[layer, part] = gain, bias
        self.leaves.append(leaf(words(gain + bias)))

    def read_angles(self):
        pairs = self.head_width // 2
        angles = [tuple(self.take(2, 4)) for _ in range(self.context * pairs)]
        self.parts[0, "angles"] = [angles[at : at + pairs] for at in range(0, len(angles), pairs)]
        for at in range(0, len(angles), 64 * pairs):
            self.leaves.append(leaf(b"".join(words(angle) for angle in angles[at : at + 64 * pairs])))

    def root(self):
        data = le(self.bert, 1) + words(self.sizes) + le(self.epsilon, 8)
        data += le(self.c[0], 2) + le(self.c[1], 2) + bytes(self.wide[name] for name in INPUTS)
        for name in SHAPES:
            columns, g, four, bias = self.shapes[name]
            data += words([columns, g]) + bytes([four, bias])
        return hashed(b"weft model 1", data + merkle_root(self.leaves))

    def normed(self, layer, part, x):
        return layer_norm(x, *self.parts[layer, part], self.epsilon)

    def input(self, op, x):
        return quantise(x, self.wide[op]) if self.bert else rms_norm(x, self.epsilon, self.wide[op])

    def products(self, layer, op, x):
        return forward(self.parts[layer, op], x)

    def embed(self, position, t):
        x = row(self.parts[0, "embed"], t)
        if not self.bert:
            return x
        x = [sat(a + b) for a, b in zip(x, row(self.parts[0, "positions"], position))]
        return self.normed(0, "embed-norm", x)

    def until_value(self, layer, x, position):
        """Queries, and what is kept: keys and values."""
        y = self.products(layer, "query-key-value", self.input("query-key-value", x))
        heads = [y[at : at + self.head_width] for at in range(0, len(y), self.head_width)]
        turned = heads[: self.heads + self.kv_heads]
        if not self.bert:
            turned = [turn(head, self.parts[0, "angles"][position]) for head in turned]
        turned = [quantise_transformed(head, self.head_width) for head in turned]
        return turned[: self.heads], turned[self.heads :], [quantise(v) for v in heads[self.heads + self.kv_heads :]]

    def after_value(self, layer, x, queries, keys, values):
        """`keys` and `values` of each head, position by position."""
        shared = self.heads // self.kv_heads
        z = [attend(q, keys[h // shared], values[h // shared], self.c) for h, q in enumerate(queries)]
        y = self.products(layer, "output", quantise([a for head in z for a in head], self.wide["output"]))
        x = [sat(a + b) for a, b in zip(x, y)]
        if self.bert:
            x = self.normed(layer, "output-norm", x)
        y = self.products(layer, "up", self.input("up", x))
        y = [gelu(a) for a in y] if self.bert else [swiglu(g, u) for g, u in zip(y[::2], y[1::2])]
        y = self.products(layer, "down", quantise(y, self.wide["down"]))
        x = [sat(a + b) for a, b in zip(x, y)]
        return self.normed(layer, "down-norm", x) if self.bert else x


def kept_roots(sections, cells, positions):
    """Over the cells and over the sections. `sections` has leaves, `cells` parts of leaves, each with the bytes of every position."""

    def section(leaves, at):
        return merkle_root([leaf(b"".join(one[at : at + 16])) for one in leaves])

    def cell(parts, at):
        return merkle_root([leaf(b"".join(one[at] for one in part)) for part in parts])

    by_position = [cell(parts, at) for at in range(positions) for parts in cells]
    by_group = [section(leaves, at) for at in range(0, positions, 16) for leaves in sections]
    return merkle_root(by_position), merkle_root(by_group)


def quantised_bytes(x):
    q, f, (m, s) = x
    return le(m, 2) + le(s, 2) + words(q + f, 1)


def trace_root(model, given, tokens, choice, cells, result):
    data = model + words([given, len(tokens)])
    data += merkle_root([leaf(words(tokens[at : at + 256])) for at in range(0, len(tokens), 256)])
    data += bytes(choice[:1])
    if choice[0] == 2:
        m, s, top_p, seed = choice[1:]
        data += le(m, 2) + le(s, 2) + le(top_p, 4) + le(seed, 8)
    return hashed(b"weft trace 2", data + cells + result)


def step_root(model, trace, sections, position, t, keys, values, choice):
    """Of Llama, from what the positions kept: each operator anew, in order, cut into its tiles."""
    roots, end, shared = [], position + 1, model.heads // model.kv_heads

    def gives(tiles):
        roots.append(merkle_root([leaf(tile) for tile in tiles]))

    def gives_rows(op, y, rows_of_element=1):
        n = rows_per_tile(model.shapes[op], False) // rows_of_element
        gives([words(y[at : at + n]) for at in range(0, len(y), n)])

    def gives_input(x):
        gives([quantised_bytes(x)])
        return x

    x = model.embed(position, t)
    gives([words(x)])
    for layer in range(model.layers):
        inputs = gives_input(model.input("query-key-value", x))
        gives_rows("query-key-value", model.products(layer, "query-key-value", inputs))
        queries, k, v = model.until_value(layer, x, position)
        for heads in queries, k, v:
            gives([quantised_bytes(head) for head in heads])
        blocks = [(at, min(at + 256, end)) for at in range(0, end, 256)]
        e = [exponents(q, keys[layer][h // shared][:end], model.c) for h, q in enumerate(queries)]
        gives([words(head[first:last]) for head in e for first, last in blocks])
        gives([words([max(head)]) for head in e])
        mixes = [
            [mix(head[first:last], max(head), values[layer][h // shared][first:last]) for first, last in blocks]
            for h, head in enumerate(e)
        ]
        gives([le(p, 4) + le(s, 2) + words(a) for head in mixes for p, s, a in head])
        z = [combine(head) for head in mixes]
        gives([words(head) for head in z])
        inputs = gives_input(quantise([a for head in z for a in head], model.wide["output"]))
        x = [sat(a + b) for a, b in zip(x, model.products(layer, "output", inputs))]
        gives_rows("output", x)
        y = model.products(layer, "up", gives_input(model.input("up", x)))
        y = [swiglu(g, u) for g, u in zip(y[::2], y[1::2])]
        gives_rows("up", y, 2)
        inputs = gives_input(quantise(y, model.wide["down"]))
        x = [sat(a + b) for a, b in zip(x, model.products(layer, "down", inputs))]
        gives_rows("down", x)
    if choice[0]:
        logits = model.products(0, "head", gives_input(model.input("head", x)))
        gives_rows("head", logits)
        chunks = [logits[at : at + 8192] for at in range(0, len(logits), 8192)]
        gives([words([max(c), at * 8192 + c.index(max(c))]) for at, c in enumerate(chunks)])
        if choice[0] == 2:
            sums = [masses(chunk, max(logits), choice[1:]) for chunk in chunks]
            gives([words(chunk, 8) for chunk in sums])
            chunk, last, rest = draw(sums, choice[1:], position)
            gives([words([chunk, last]) + le(rest, 8)])
        gives([words([choose(logits, choice[1:], position)])])
    return hashed(b"weft step 2", trace + sections + le(position, 8) + merkle_root([leaf(root) for root in roots]))


def llama(numbers, data, given, count, choice):
    """All tokens, the last logits, the roots of the model and of the trace, those of the first and of the last step."""
    model = Model(numbers, data)
    keys = [[[] for _ in range(model.kv_heads)] for _ in range(model.layers)]
    values = [[[] for _ in range(model.kv_heads)] for _ in range(model.layers)]
    tokens, logits = list(given), []
    for position in range(count - 1):
        x = model.embed(position, tokens[position])
        for layer in range(model.layers):
            queries, k, v = model.until_value(layer, x, position)
            for head in range(model.kv_heads):
                keys[layer][head].append(k[head])
                values[layer][head].append(v[head])
            x = model.after_value(layer, x, queries, keys[layer], values[layer])
        if position + 1 >= len(given):
            logits = model.products(0, "head", model.input("head", x))
            tokens.append(choose(logits, choice[1:], position))
    layers = [
        [[quantised_bytes(one) for one in kept[layer][head]] for head in range(model.kv_heads) for kept in (keys, values)]
        for layer in range(model.layers)
    ]
    cells, kept = kept_roots([sum(layers, [])], [layers], count - 1)
    root = trace_root(model.root(), len(given), tokens, choice, cells, bytes(32))
    first = step_root(model, root, kept, 0, tokens[0], keys, values, choice if len(given) == 1 else [0])
    last = step_root(model, root, kept, count - 2, tokens[count - 2], keys, values, choice)
    return tokens + logits + list(model.root() + root + first + last)


def bert(numbers, data, tokens):
    """The direction, the roots of the model and of the trace."""
    model = Model(numbers, data)
    states = [model.embed(position, t) for position, t in enumerate(tokens)]
    sections = []
    for layer in range(model.layers):
        all_queries, keys, values = zip(*(model.until_value(layer, x, at) for at, x in enumerate(states)))
        keys, values = list(zip(*keys)), list(zip(*values))
        pairs = zip(keys, values)
        sections.append([[quantised_bytes(one) for one in kept] for pair in pairs for kept in pair])
        states = [model.after_value(layer, x, q, keys, values) for x, q in zip(states, all_queries)]
    sections.append([[words(x[at : at + 32]) for x in states] for at in range(0, model.width, 32)])
    direction = unit(mean([pool(states[at : at + 256]) for at in range(0, len(states), 256)], len(states)))
    cells, _ = kept_roots(sections, [[section] for section in sections], len(tokens))
    root = trace_root(model.root(), len(tokens), tokens, [0], cells, hashed(b"weft result", words(direction)))
    return direction + list(model.root()) + list(root)


# The lines.


def flat(x):
    q, f, (m, s) = x
    return q + f + [m, s]


def rows_of(numbers, width):
    return [numbers[at : at + width] for at in range(0, len(numbers), width)]


def pairs_of(numbers):
    return list(zip(numbers[::2], numbers[1::2]))


def heads_of(numbers, width):
    return [quantise(x) for x in rows_of(numbers, width)]


def given_heads(numbers, width):
    return [(x[:width], [], tuple(x[width:])) for x in rows_of(numbers, width + 2)]


def matrix_of(sizes, weights, scales, rows, bias):
    return (*sizes, weights, scales, pairs_of(rows), bias)


def mixed_of(numbers, width):
    return [(block[0], block[1], block[2:]) for block in rows_of(numbers, width + 2)]


def mixed(block):
    return [block[0], block[1], *block[2]]


def digests(numbers):
    return [bytes(digest) for digest in rows_of(numbers, 32)]


OPERATORS = {
    "apply": lambda one, a, p: [apply(one, a[0], p[0])],
    "apply2": lambda one, other, a, p: [apply2(one, other, a[0], p[0])],
    "quantise": lambda x, wide: flat(quantise(x, wide[0])),
    "quantise_transformed": lambda x, n: flat(quantise_transformed(x, n[0])),
    "forward": lambda m, w, g, r, b, x, wide: forward(matrix_of(m, w, g, r, b), quantise(x, wide[0])),
    "row": lambda m, w, g, r, b, j: row(matrix_of(m, w, g, r, b), j[0]),
    "rms_norm": lambda x, epsilon, wide: flat(rms_norm(x, epsilon[0], wide[0])),
    "layer_norm": lambda x, gain, bias, epsilon: layer_norm(x, gain, bias, epsilon[0]),
    "exp2_of_minus": lambda x: [exp2_of_minus(v) for v in x],
    "exponents": lambda q, k, width, c: exponents(quantise(q), heads_of(k, width[0]), c),
    "mix": lambda t, peak, v, width: mixed(mix(t, peak[0], given_heads(v, width[0]))),
    "combine": lambda blocks, width: combine(mixed_of(blocks, width[0])),
    "attend": lambda q, k, v, width, c: attend(quantise(q), heads_of(k, width[0]), heads_of(v, width[0]), c),
    "tables": lambda: T + LOGISTIC + NORMAL,
    "sigmoid": lambda x: [sigmoid(v) for v in x],
    "silu": lambda x: [silu(v) for v in x],
    "gelu": lambda x: [gelu(v) for v in x],
    "swiglu": lambda g, u: [swiglu(*pair) for pair in zip(g, u)],
    "turn": lambda x, angles: turn(x, pairs_of(angles)),
    "masses": lambda x, highest, choice: masses(x, highest[0], choice),
    "draw": lambda chunks, choice, position: draw(rows_of(chunks, 128), choice, position[0]),
    "token": lambda x, first, highest, choice, drawn: token(x, first[0], highest[0], choice, drawn),
    "choose": lambda x, choice, position: [choose(x, choice, position[0])],
    "pool": lambda rows, width: pool(rows_of(rows, width[0])),
    "mean": lambda blocks, width, count: mean(rows_of(blocks, width[0]), count[0]),
    "unit": unit,
    "leaf": lambda data: list(leaf(bytes(data))),
    "merkle_root": lambda leaves: list(merkle_root(digests(leaves))),
    "proof": lambda at, number, siblings, digest: list(proof_root(*at, *number, digests(siblings), bytes(digest))),
    "rows_per_tile": lambda shape, together: [rows_per_tile(shape, together[0])],
    "trace": lambda model, given, tokens, choice, cells, result: list(
        trace_root(bytes(model), given[0], tokens, choice, bytes(cells), bytes(result))
    ),
    "llama": lambda config, data, given, count, choice: llama(config, data, given, count[0], choice),
    "bert": bert,
}

checked = Counter()
for line in sys.stdin:
    name, *parts = line.strip().split("|")
    *arguments, result = [[int(n) for n in part.split(",") if n] for part in parts]
    ours = OPERATORS[name](*arguments)
    if ours != result:
        # Short: who reads this may still be writing to us.
        sys.exit(f"{name} is {ours} here and {result} there, of {arguments}"[:4000])
    checked[name] += 1
print("\n".join(f"{name} {count}" for name, count in sorted(checked.items())))
