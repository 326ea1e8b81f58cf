"""GGUF: the file format of llama.cpp, in which the `llama` router reads models and adapters.

    from finetune.gguf import write_model, write_adapter
    write_model(Path("run/merged"), Path("lights.gguf"), kind="q8_0")
    write_adapter(Path("run/adapter"), Path("run/base"), Path("lights-adapter.gguf"))

`family.py` knows what each architecture calls its parts, `vocabulary.py` turns a tokenizer into llama.cpp's form,
`weights.py` reads safetensors one tensor at a time, `writer.py` writes the file whole or not at all.
"""

from finetune.gguf.adapter import write_adapter
from finetune.gguf.model import KINDS, Kind, write_model

__all__ = ["KINDS", "Kind", "write_adapter", "write_model"]
