"""Publishes an exported file on the Hugging Face hub, with its card as the page that people see.

    push(exported.file, exported.card, "me/otto-lights")

The file, its card and a README made from the card are sent; nothing else. The token is the one of `hf auth login`, or
`HF_TOKEN`. A repository that is new is private until you open it.
"""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

from otto.errors import OttoError
from otto.models import card as cards
from otto.models.card import Card

_SHOWN = ("exact", "exact_typed", "well_formed", "other_precision", "other_recall", "agreement", "rows")


def push(file: Path, card: Card, repository: str) -> str:
    """Sends the file; returns its address. Raises `OttoError` where the hub refuses."""
    from huggingface_hub import CommitOperationAdd, HfApi
    from huggingface_hub.errors import HfHubHTTPError

    public = replace(card, base=_public(card.base))
    operations = [
        CommitOperationAdd(file.name, file),
        CommitOperationAdd(cards.place(file).name, json.dumps(asdict(public), indent=2, sort_keys=True).encode()),
        CommitOperationAdd("README.md", readme(file, public).encode()),
    ]
    hub = HfApi()
    try:
        address = hub.create_repo(repository, private=True, exist_ok=True)
        hub.create_commit(repository, operations=operations, commit_message=f"Add {file.name}")
    except (HfHubHTTPError, ValueError, OSError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise OttoError(f"{repository}: the Hugging Face hub refused: {reason}; log in with: hf auth login") from error
    return str(address)


def readme(file: Path, card: Card) -> str:
    """The page of the model, its facts in front as the hub reads them."""
    card = replace(card, base=_public(card.base))
    adapter = card.kind == "gguf-adapter"
    facts = ["library_name: llama.cpp", "tags: [otto, function-calling, gguf]"]
    if card.licence:
        facts.append(f"license: {card.licence.lower()}")
    if "/" in card.base:
        facts += [f"base_model: {card.base}", f"base_model_relation: {'adapter' if adapter else 'finetune'}"]
    figures = [f"| {name} | {card.metrics[name]:.4g} |" for name in _SHOWN if name in card.metrics]
    use = f'router_model = "base.gguf"\nrouter_adapter = "{file.name}"' if adapter else f'router_model = "{file.name}"'
    return "\n".join(
        [
            "---", *facts, "---", "",
            f"# {card.name}", "",
            f"A {'LoRA adapter' if adapter else 'model'} that turns what a person says into function calls, for Otto.",
            "", *(["| measured on this file | |", "|---|---|", *figures, ""] if figures else []),
            f"- base: {card.base or 'none: made from scratch'}",
            f"- skills: {', '.join(card.skills) or 'as the prompt lists them'}",
            f"- prompt format: {card.format} ({card.format_hash})",
            f"- hash of the skills: {card.skills_hash}",
            f"- sha256 of the data set's manifest: {card.data_hash or 'not recorded'}",
            f"- sha256 of the file: {card.sha256.get(file.name, '')}", "",
            "In `otto.toml`:", "", "```toml", 'router = "llama"', use, "```", "",
        ]
    )  # fmt: skip


def _public(base: str) -> str:
    """A base's name on the hub; of a folder on this machine only what it is called."""
    return base if base.count("/") == 1 and not Path(base).exists() and base[0] not in "./~" else Path(base).name
