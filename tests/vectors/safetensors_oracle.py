"""Writes safetensors.json: a file made by the reference implementation, in hexadecimal.

Run: python -m venv v && v/bin/pip install safetensors==0.8.0 numpy && v/bin/python tests/vectors/safetensors_oracle.py
With a path it reads that file instead and prints what is in it: to check ours.
"""
import json
import pathlib
import sys

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save

if len(sys.argv) > 1:
    with safe_open(sys.argv[1], framework="numpy") as file:
        print("metadata", file.metadata())
        for name in file.keys():
            print(name, file.get_tensor(name).shape, file.get_tensor(name).ravel()[:6].tolist())
    sys.exit()

W1 = np.array([[1, -2, 3.5], [0, -0.0, 1e38]], dtype=np.float32)
tensors = {"W1": W1, "b1": np.array([0.1, -7], dtype=np.float32), "step": np.array(4, dtype=np.float32)}
metadata = {"epoch": "3", "note": "1.5°"}
vector = {
    "source": "safetensors 0.8.0 for Python, tests/vectors/safetensors_oracle.py",
    "file": save(tensors, metadata).hex(),
    "tensors": {name: {"shape": list(x.shape), "data": x.ravel().tolist()} for name, x in tensors.items()},
    "metadata": metadata,
    "double": save({"W1": W1.astype(np.float64)}).hex(),
}
path = pathlib.Path(__file__).with_name("safetensors.json")
path.write_text(json.dumps(vector, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
