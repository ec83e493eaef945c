"""Embeddings of a BERT-family sentence encoder by a plain float32 forward pass in numpy.

An independent evaluation against which the engine is tested: weights are read by the `safetensors` package, text is
tokenised by the pure-Python `BertTokenizer` of `transformers` from `vocab.txt`, and the forward pass is arrays and `@`.
(`sentence-transformers` itself would bring a CUDA build of torch, some gigabytes.)

    pip install numpy safetensors "transformers<5"
    python minilm_reference.py MODEL_DIRECTORY > minilm_embeddings.json
"""

import hashlib
import json
import math
import platform
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file
from transformers import BertTokenizer

TEXTS = [
    "A man is eating food.",
    "Someone is having a meal.",
    "The stock market fell sharply on Monday.",
    "",
    "Ünïcödé, naïve café; 中文字符 and emoji 🦀!",
    "SELECT name FROM users WHERE id = 42;",
    "supercalifragilisticexpialidocious pneumonoultramicroscopicsilicovolcanoconiosis",
    "One two three four five six seven eight nine ten. " * 40,
]

erf = np.vectorize(math.erf, otypes=[np.float32])


def norm(x, weights, name, epsilon):
    mean = x.mean(axis=-1, keepdims=True)
    variance = ((x - mean) ** 2).mean(axis=-1, keepdims=True)
    return (x - mean) / np.sqrt(variance + epsilon) * weights[f"{name}.weight"] + weights[f"{name}.bias"]


def embed(weights, config, ids):
    epsilon = np.float32(config["layer_norm_eps"])
    heads = config["num_attention_heads"]
    size = config["hidden_size"] // heads
    x = (
        weights["embeddings.word_embeddings.weight"][ids]
        + weights["embeddings.position_embeddings.weight"][: len(ids)]
        + weights["embeddings.token_type_embeddings.weight"][0]
    )
    x = norm(x, weights, "embeddings.LayerNorm", epsilon)
    for layer in range(config["num_hidden_layers"]):
        base = f"encoder.layer.{layer}"

        def linear(x, name):
            return x @ weights[f"{base}.{name}.weight"].T + weights[f"{base}.{name}.bias"]

        q, k, v = (linear(x, f"attention.self.{name}") for name in ("query", "key", "value"))
        context = []
        for head in range(heads):
            at = slice(head * size, (head + 1) * size)
            scores = q[:, at] @ k[:, at].T / np.float32(math.sqrt(size))
            scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
            context.append(scores / scores.sum(axis=-1, keepdims=True) @ v[:, at])
        attended = linear(np.concatenate(context, axis=-1), "attention.output.dense")
        x = norm(x + attended, weights, f"{base}.attention.output.LayerNorm", epsilon)
        h = linear(x, "intermediate.dense")
        h = h * (1 + erf(h / np.float32(math.sqrt(2)))) / 2
        x = norm(x + linear(h, "output.dense"), weights, f"{base}.output.LayerNorm", epsilon)
    mean = x.mean(axis=0)
    assert mean.dtype == np.float32
    return mean / np.linalg.norm(mean)


def main(directory):
    config = json.loads((directory / "config.json").read_text())
    limit = json.loads((directory / "sentence_bert_config.json").read_text())["max_seq_length"]
    lowercase = json.loads((directory / "tokenizer_config.json").read_text())["do_lower_case"]
    tokenizer = BertTokenizer(str(directory / "vocab.txt"), do_lower_case=lowercase)
    weights = {name: array.astype(np.float32) for name, array in load_file(directory / "model.safetensors").items()
               if array.dtype.kind == "f"}
    cases = []
    for text in TEXTS:
        ids = tokenizer(text, truncation=True, max_length=limit)["input_ids"]
        print(f"{len(ids)} tokens: {text[:50]}", file=sys.stderr)
        embedding = [float(f"{value:.8g}") for value in embed(weights, config, ids)]
        cases.append({"text": text, "ids": ids, "embedding": embedding})
    origin = {
        "script": "minilm_reference.py",
        "model": "all-MiniLM-L6-v2",
        "model_sha256": hashlib.sha256((directory / "model.safetensors").read_bytes()).hexdigest(),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in ("numpy", "safetensors", "transformers")},
    }
    cases = ",\n  ".join(json.dumps(case, ensure_ascii=False) for case in cases)
    print(f'{{\n "origin": {json.dumps(origin)},\n "cases": [\n  {cases}\n ]\n}}')


if __name__ == "__main__":
    main(Path(sys.argv[1]))
