"""Greedy generation with llama.cpp: MODEL PROMPT TOKENS THREADS. Prints tokens per second after the prompt, as JSON."""

import json
import sys
import time

from llama_cpp import Llama

model, prompt, tokens, threads = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
llm = Llama(model, n_ctx=2048, n_threads=threads, n_threads_batch=threads, verbose=False)
messages = f"<|im_start|>user\n{prompt}<|im_end|>\n<|im_start|>assistant\n"
ids = llm.tokenize(messages.encode(), special=True)
made = 0
for _ in llm.generate(ids, temp=0.0):
    if made == 0:
        # The first token costs the prompt; what is measured starts after it.
        since = time.perf_counter()
    made += 1
    if made > tokens:
        break
print(json.dumps({"tokens_per_s": (made - 1) / (time.perf_counter() - since)}))
