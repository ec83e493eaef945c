"""Greedy tokens of a Llama-family GGUF model by a plain float32 forward pass in numpy.

An independent evaluation of the same dequantised weights, against which the engine is tested: tensors are read and
dequantised by the `gguf` package, text is tokenised by a byte-pair encoder written out below, the chat template is
rendered by `jinja2`, and the forward pass is arrays and `@`.

    pip install gguf numpy jinja2 regex
    python llama_numpy.py MODEL.gguf > smollm2_greedy.json
"""

import hashlib
import json
import platform
import sys
from importlib.metadata import version

import jinja2
import numpy as np
import regex
from gguf import GGUFReader
from gguf.quants import dequantize

NEW_TOKENS = 48
PROMPTS = [
    ("chat", "What is the capital of France, and what is it known for?"),
    ("chat", "Write a short story about a lighthouse keeper who befriends a storm."),
    ("chat", "Explain to a child why the sky is blue."),
    ("chat", "Describe the life of a butterfly from egg to adult, stage by stage."),
    ("chat", "Write a Python function that returns the n-th Fibonacci number."),
    ("chat", "Traduis en français : \u00abThe weather is nice today\u00bb, and explain each word."),
    ("chat", "A train leaves at 14:35 and arrives at 17:20. How long does the journey take? Show the steps."),
    ("raw", "The history of the Roman Empire begins"),
    ("raw", "def quicksort(items):\n    \"\"\"Sort a list.\"\"\"\n"),
    ("raw", "Naïve café owners — 🦀 and 中文 readers alike — agree that in 2024   "),
]


class Tokenizer:
    """Byte-level BPE (GPT-2) over the GGUF's own vocabulary; `smollm` cuts at every digit first."""

    WORDS = regex.compile(
        r"""'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"""
    )
    DIGITS = regex.compile(r"\p{N}|[^\p{N}]+")

    def __init__(self, fields):
        assert fields["tokenizer.ggml.model"].contents() == "gpt2"
        assert fields["tokenizer.ggml.pre"].contents() == "smollm"
        self.tokens = fields["tokenizer.ggml.tokens"].contents()
        self.ids = {token: index for index, token in enumerate(self.tokens)}
        merges = fields["tokenizer.ggml.merges"].contents()
        self.rank = {tuple(merge.split(" ")): index for index, merge in enumerate(merges)}
        kinds = fields["tokenizer.ggml.token_type"].contents()
        special = [token for token, kind in zip(self.tokens, kinds) if kind in (3, 4)]
        self.special = regex.compile("|".join(regex.escape(s) for s in sorted(special, key=len, reverse=True)))
        printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
        others = [byte for byte in range(256) if byte not in printable]
        self.character = {byte: chr(byte) for byte in printable}
        self.character |= {byte: chr(256 + index) for index, byte in enumerate(others)}

    def merge(self, word):
        parts = [self.character[byte] for byte in word.encode()]
        while len(parts) > 1:
            pairs = [(self.rank.get(pair, 1 << 30), at) for at, pair in enumerate(zip(parts, parts[1:]))]
            rank, at = min(pairs)
            if rank == 1 << 30:
                break
            parts[at : at + 2] = [parts[at] + parts[at + 1]]
        return [self.ids[part] for part in parts]

    def plain(self, text):
        return [
            token
            for piece in self.DIGITS.findall(text)
            for word in self.WORDS.findall(piece)
            for token in self.merge(word)
        ]

    def encode(self, text):
        ids, at = [], 0
        for match in self.special.finditer(text):
            ids += self.plain(text[at : match.start()]) + [self.ids[match.group()]]
            at = match.end()
        return ids + self.plain(text[at:])


class Model:
    """Forward pass with a key-value cache, one sequence at a time."""

    def __init__(self, reader):
        def field(key):
            return reader.fields[f"llama.{key}"].contents()

        self.layers = field("block_count")
        self.heads = field("attention.head_count")
        self.kv_heads = field("attention.head_count_kv")
        self.epsilon = np.float32(field("attention.layer_norm_rms_epsilon"))
        self.head_size = field("embedding_length") // self.heads
        assert field("rope.dimension_count") == self.head_size
        base = field("rope.freq_base")
        self.frequencies = base ** (-np.arange(0, self.head_size, 2, dtype=np.float64) / self.head_size)
        self.weights = {
            tensor.name: np.ascontiguousarray(dequantize(tensor.data, tensor.tensor_type).astype(np.float32))
            for tensor in reader.tensors
        }
        self.reset()

    def reset(self):
        self.keys = [np.zeros((0, self.kv_heads, self.head_size), np.float32) for _ in range(self.layers)]
        self.values = [np.zeros((0, self.kv_heads, self.head_size), np.float32) for _ in range(self.layers)]

    def norm(self, x, name):
        return x / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + self.epsilon) * self.weights[name]

    def rotate(self, x, start):
        """Pairs of neighbours are rotated: GGUF stores Llama's query and key rows in that order."""
        angles = (start + np.arange(x.shape[0]))[:, None] * self.frequencies
        cos, sin = (f(angles).astype(np.float32)[:, None, :] for f in (np.cos, np.sin))
        even, odd = x[..., 0::2], x[..., 1::2]
        return np.stack((even * cos - odd * sin, even * sin + odd * cos), axis=-1).reshape(x.shape)

    def forward(self, tokens):
        """Logits after the last of `tokens`, which continue what the cache holds."""
        start, count = self.keys[0].shape[0], len(tokens)
        x = self.weights["token_embd.weight"][tokens]
        hidden = np.triu(np.full((count, start + count), -np.inf, np.float32), k=start + 1)
        for layer in range(self.layers):
            w = lambda name: self.weights[f"blk.{layer}.{name}.weight"].T
            h = self.norm(x, f"blk.{layer}.attn_norm.weight")
            q = (h @ w("attn_q")).reshape(count, self.heads, self.head_size)
            k = (h @ w("attn_k")).reshape(count, self.kv_heads, self.head_size)
            v = (h @ w("attn_v")).reshape(count, self.kv_heads, self.head_size)
            q = self.rotate(q, start)
            self.keys[layer] = np.concatenate((self.keys[layer], self.rotate(k, start)))
            self.values[layer] = np.concatenate((self.values[layer], v))
            outputs = []
            for head in range(self.heads):
                group = head // (self.heads // self.kv_heads)
                scores = q[:, head] @ self.keys[layer][:, group].T / np.float32(np.sqrt(self.head_size)) + hidden
                scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
                outputs.append(scores / scores.sum(axis=-1, keepdims=True) @ self.values[layer][:, group])
            x = x + np.concatenate(outputs, axis=-1) @ w("attn_output")
            h = self.norm(x, f"blk.{layer}.ffn_norm.weight")
            gate = h @ w("ffn_gate")
            x = x + (gate / (1 + np.exp(-gate)) * (h @ w("ffn_up"))) @ w("ffn_down")
        x = self.norm(x[-1], "output_norm.weight")
        return self.weights.get("output.weight", self.weights["token_embd.weight"]) @ x


def main(path):
    reader = GGUFReader(path)
    assert reader.fields["general.architecture"].contents() == "llama"
    tokenizer, model = Tokenizer(reader.fields), Model(reader)
    environment = jinja2.Environment(trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(reader.fields["tokenizer.chat_template"].contents())
    end = reader.fields["tokenizer.ggml.eos_token_id"].contents()
    cases = []
    for mode, prompt in PROMPTS:
        text = prompt
        if mode == "chat":
            text = template.render(messages=[{"role": "user", "content": prompt}], add_generation_prompt=True)
        prompt_tokens = tokenizer.encode(text)
        model.reset()
        tokens, gaps, ended = [], [], False
        fed = prompt_tokens
        while len(tokens) < NEW_TOKENS:
            logits = model.forward(fed)
            assert logits.dtype == np.float32
            second, first = np.partition(logits, -2)[-2:]
            token = int(np.argmax(logits))
            gaps.append(round(float(first - second), 6))
            if token == end:
                ended = True
                break
            tokens.append(token)
            fed = [token]
        print(f"{mode}: {len(prompt_tokens)} + {len(tokens)} tokens, least gap {min(gaps):.4f}", file=sys.stderr)
        cases.append(
            {"mode": mode, "prompt": prompt, "prompt_tokens": prompt_tokens, "tokens": tokens, "gaps": gaps, "ended": ended}
        )
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    origin = {
        "script": "llama_numpy.py",
        "model": path.rsplit("/", 1)[-1],
        "model_sha256": digest,
        "python": platform.python_version(),
        "packages": {name: version(name) for name in ("gguf", "numpy", "jinja2", "regex")},
        "meaning": "gaps[i] is the lead of the best logit over the second at token i (the last one at the end token, if ended)",
    }
    cases = ",\n  ".join(json.dumps(case, ensure_ascii=False) for case in cases)
    print(f'{{\n "origin": {json.dumps(origin)},\n "cases": [\n  {cases}\n ]\n}}')


if __name__ == "__main__":
    main(sys.argv[1])
