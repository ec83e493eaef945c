"""Runs a command that prints one JSON object, and prints the object with its peak memory (`peak_mb`) added."""

import json
import resource
import subprocess
import sys

ran = subprocess.run(sys.argv[1:], check=True, stdout=subprocess.PIPE)
answer = json.loads(ran.stdout)
answer["peak_mb"] = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
print(json.dumps(answer))
