"""Opening a folder of Hugging Face weights: safetensors only, nothing that could run code, nothing downloaded.

>>> refuse_unsafe(Path("runs/router/adapter"))
>>> model, tokenizer, device = opened(Path("runs/router/model"), None, "auto")
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from otto.errors import ModelFileError

_UNSAFE = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".joblib")
_LEFT_BY_TRAINING = ("training_args.bin", "optimizer.pt", "scheduler.pt", "scaler.pt", "rng_state")  # never read


def opened(path: Path, adapter: Path | None, device: str) -> tuple[Any, Any, str]:
    """(model, tokenizer, device). Raises `ModelFileError` for what transformers cannot read."""
    import torch
    import transformers
    from safetensors import SafetensorError

    reports: Any = transformers.utils.logging
    reports.set_verbosity_error()
    reports.disable_progress_bar()
    model: Any
    device = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(path, local_files_only=True, trust_remote_code=False)
        model = transformers.AutoModelForCausalLM.from_pretrained(
            path,
            dtype=torch.float32 if device == "cpu" else "auto",
            use_safetensors=True,
            local_files_only=True,
            trust_remote_code=False,
        )
        if adapter:
            from peft import PeftModel

            model = PeftModel.from_pretrained(model, str(adapter), is_trainable=False)
    except (OSError, ValueError, RuntimeError, KeyError, SafetensorError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ModelFileError(f"{adapter or path}: this model cannot be loaded ({reason}); export it again") from error
    model.to(device).eval()
    return model, tokenizer, device


def refuse_unsafe(folder: Path) -> None:
    """Raises `ModelFileError` for a folder without weights, or with files that could run code when read."""
    if not folder.is_dir():
        raise ModelFileError(f"{folder}: there is no such folder; set router_model to one with model.safetensors")
    unsafe = (file.name for file in folder.iterdir() if file.suffix in _UNSAFE)
    if planted := sorted(name for name in unsafe if not name.startswith(_LEFT_BY_TRAINING)):
        raise ModelFileError(
            f"{folder / planted[0]}: a file of this kind can run code when it is read; "
            "remove it, or convert it to safetensors"
        )
    if not any(folder.glob("*.safetensors")):
        raise ModelFileError(f"{folder}: there are no weights in it (*.safetensors); export the model again")


def base_of(adapter: Path) -> Path:
    """The folder of the model that an adapter was trained on."""
    path = adapter / "adapter_config.json"
    try:
        named = json.loads(path.read_text(encoding="utf-8"))["base_model_name_or_path"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelFileError(f"{path}: it does not say which model it belongs to; export the adapter again") from error
    base = Path(str(named))
    if not base.is_dir():
        raise ModelFileError(f"{path}: its base {named} is no folder here; set router_model to it, and router_adapter")
    return base
