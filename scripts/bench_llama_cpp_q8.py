"""llama.cpp with a model's weights in Q8_0: GGUF THREADS CACHE. Makes the Q8_0 file in CACHE if it is not there.

Prints, as JSON, tokens per second of a greedy answer of 128 tokens after 16, and of a prompt of 512 tokens.
"""

import ctypes
import json
import os
import sys
import time

import llama_cpp

source, threads, cache = sys.argv[1], int(sys.argv[2]), sys.argv[3]
path = os.path.join(cache, os.path.basename(source).rsplit(".", 2)[0] + ".Q8_0.gguf")
if not os.path.exists(path):
    params = llama_cpp.llama_model_quantize_default_params()
    params.ftype = llama_cpp.LLAMA_FTYPE_MOSTLY_Q8_0
    params.allow_requantize = True
    params.nthread = threads
    partial = path + ".part"
    if llama_cpp.llama_model_quantize(source.encode(), partial.encode(), ctypes.byref(params)) != 0:
        sys.exit("llama.cpp cannot make a Q8_0 file of " + source)
    os.rename(partial, path)

llm = llama_cpp.Llama(path, n_ctx=2048, n_batch=512, n_threads=threads, n_threads_batch=threads, verbose=False)
prompt = [1000 + i * 7919 % 24576 for i in range(512)]
llm.eval(prompt[:64])

llm.reset()
since = time.perf_counter()
llm.eval(prompt)
prefill = time.perf_counter() - since

llm.reset()
llm.eval(prompt[:16])
token = llm.sample(temp=0.0)
since = time.perf_counter()
for _ in range(128):
    llm.eval([token])
    token = llm.sample(temp=0.0)
decode = time.perf_counter() - since
print(json.dumps({"prefill_tokens_per_s": 512 / prefill, "tokens_per_s": 128 / decode}))
