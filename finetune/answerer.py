"""What is evaluated: a model from wherever it lies, or one of Otto's routers, made ready to answer.

    with open_answerer(Named("lights.gguf"), test, settings) as answerer:
        answerer.router.route("lights on", context)

| named | is |
|---|---|
| `fewshot`, `llama`, `transformers`, `openai`, `cascade`, `auto` | the router that the settings mean by that name |
| `model.gguf`, with `adapter="adapter.gguf"` | a file for llama.cpp |
| a folder with config.json or adapter_config.json | Hugging Face weights, or a peft adapter with its base |
| `http://localhost:8000/v1` and `served="name"` | any OpenAI-compatible server |
| `wandb:entity/project/name:version` | an artifact with one of the files above |
| `Qwen/Qwen2.5-0.5B-Instruct` | a model of the Hugging Face hub |

The prompt is the one on the model's card, unless another is named.
"""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from finetune.recipe import TINY
from finetune.testdata import EvaluationSet
from finetune.tracking import PREFIX, pull
from otto.bench.testset import read_file
from otto.config import Settings, folders
from otto.errors import ConfigError, ModelFileError, OttoError
from otto.models import card as cards
from otto.models.card import Card
from otto.models.endpoint import Style
from otto.models.language import LanguageModel
from otto.progress import Progress
from otto.prompt import RouterPrompt, prompt, router_prompt
from otto.route import Router
from otto.routers.choose import MODELS, ROUTERS
from otto.routers.choose import TINY as TINY_FOLDER
from otto.routers.model import ModelRouter

NAMES = (*ROUTERS, "auto")
_HUB_FILES = ("*.safetensors", "*.json", "*.model", "*.txt")


@dataclass(frozen=True, slots=True)
class Named:
    """What the user named, and how it shall be asked where that is not as its card says."""

    model: str
    adapter: str = ""
    served: str = ""
    """Model at a server."""
    style: Style = "chat"
    """How a server is asked."""
    format: str = ""
    """A file of `prompts/formats/`; empty: the card's."""
    system: str | None = None
    """The system text; None: the card's."""
    grammar: bool = True
    """Whether answers are kept to what may be called."""
    seconds: float = 60.0
    """For one answer."""


@dataclass(frozen=True, slots=True)
class Answerer:
    """Ready to answer."""

    name: str
    router: Router
    card: Card | None = None
    prompt: RouterPrompt | None = None
    """How it is asked; None: it is no language model."""
    weights: Path | None = None
    """Its file or folder, where it has one."""


@contextmanager
def open_answerer(
    named: Named, test: EvaluationSet, settings: Settings, progress: Progress | None = None
) -> Iterator[Answerer]:
    """Loads what was named, and frees it at the end. Raises `OttoError` naming what is missing and what to do."""
    told = progress or (lambda what, share: None)
    told(f"loading {named.model}", 0.0)
    if named.model in NAMES:
        with _router(named, test, settings, told) as router:
            yield Answerer(named.model, router)
        return
    engine, card, weights = _engine(named, settings)
    try:
        asked = asked_with(named, card, bool(weights))
        yield Answerer(engine.name, over(engine, asked, card, named, test), card, asked, weights)
    finally:
        engine.close()


def over(
    engine: LanguageModel, asked: RouterPrompt, card: Card | None, named: Named, test: EvaluationSet
) -> ModelRouter:
    """The router that Otto puts over a language model."""
    from otto.grammar import grammar

    return ModelRouter(
        engine,
        list(test.skills.values()),
        asked,
        name=engine.name.partition(":")[0],
        card=card,
        grammar=grammar if named.grammar else None,
        seconds=named.seconds,
    )


def asked_with(named: Named, card: Card | None, local: bool = True) -> RouterPrompt:
    """The prompt: what was named for this run, else the card's. Raises `ConfigError` where nothing says the framing."""
    if card is None and not named.format and local:
        raise ConfigError(f"{named.model}: no card says how it was taught; name its framing: --format chatml")
    known = card.prompt() if card else router_prompt(named.format or "chatml")
    whole = router_prompt(named.format or known.format.name, known.system)
    return whole if named.system is None else replace(whole, system=named.system)


def system_text(name: str = "", file: Path | None = None) -> str | None:
    """The system text of `prompts/<name>.txt` or of a file; None where neither is given. Raises `ConfigError`."""
    if file is None:
        return prompt(name) if name else None
    try:
        return file.expanduser().read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: the prompt cannot be read ({error})") from error


def _engine(named: Named, settings: Settings) -> tuple[LanguageModel, Card | None, Path | None]:
    if named.model.startswith(("http://", "https://")):
        from otto.models.endpoint import EndpointModel

        return EndpointModel(named.served, base_url=named.model, style=named.style), None, None
    path = _place(named.model, settings)
    adapter = _place(named.adapter, settings) if named.adapter else None
    card = (cards.read(adapter) if adapter else None) or cards.read(path)
    if path.suffix == ".gguf":
        from otto.models.llama import Llama

        if adapter is None and _is_adapter(path):
            path, adapter = _under(path, card), path
        if adapter is not None and adapter.suffix != ".gguf":
            raise ConfigError(f"{adapter}: llama.cpp needs this adapter as GGUF; make it with: otto export {adapter}")
        engine = Llama(path, adapters=[adapter] if adapter else [], cache=settings.cache_folder)
        engine.wait_loaded()
        return engine, card, adapter or path
    from otto.models.transformer import TransformerModel

    if (path / "adapter_config.json").is_file():
        path, adapter = base_of(path), path
    model = TransformerModel(path, adapter)
    model.load()
    return model, card, adapter or path


def _is_adapter(file: Path) -> bool:
    from otto.models import gguf

    return gguf.read(file).metadata.get("general.type") == "adapter"


def _under(adapter: Path, card: Card | None) -> Path:
    """The base of an adapter for llama.cpp: Otto's own tiny model. Raises `ConfigError` where it is another."""
    if card is not None and card.base == TINY:
        return TINY_FOLDER / "otto-tiny.gguf"
    raise ConfigError(
        f"{adapter} is an adapter; name the GGUF of {card.base if card else 'its base'}, too: "
        f"otto eval BASE.gguf --adapter {adapter}"
    )


def _place(named: str, settings: Settings) -> Path:
    """A file or folder on this machine, fetched if it is elsewhere."""
    if named.startswith(PREFIX):
        return inside(pull(named.removeprefix(PREFIX), settings.cache_folder))
    path = Path(named).expanduser()
    if path.is_dir():
        return inside(path)
    if path.exists():
        return path
    if named.count("/") == 1 and not named.startswith((".", "/", "~")) and path.suffix != ".gguf":
        return _from_hub(named)
    raise ModelFileError(
        f"{named}: there is no such model; name a file, a folder, a URL, or a router: {', '.join(NAMES)}"
    )


def inside(folder: Path) -> Path:
    """The model in a folder: itself, or the adapter, the model or the one GGUF file in it."""
    if (folder / "config.json").is_file() or (folder / "adapter_config.json").is_file():
        return folder
    for below in ("adapter", "model"):
        if (folder / below).is_dir():
            return inside(folder / below)
    files = sorted(folder.glob("*.gguf"))
    if len(files) == 1:
        return files[0]
    raise ModelFileError(f"{folder}: no model in it: expected config.json, adapter_config.json or one .gguf file")


def hush() -> None:
    """Keeps off the terminal what the libraries say to their own developers."""
    warnings.filterwarnings("ignore", category=FutureWarning, module=r"(transformers|peft|torch)\b")
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)


def base_of(adapter: Path, named: str = "") -> Path:
    """The folder of the model that an adapter was trained on: `named` if given, else what its configuration or its
    card says: a folder, `otto-tiny`, or a name on the hub. Raises `ModelFileError`."""
    file = adapter / "adapter_config.json"
    try:
        said = str(json.loads(file.read_text(encoding="utf-8"))["base_model_name_or_path"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelFileError(f"{file}: it does not say which model it belongs to; name it with --base") from error
    card = cards.read(adapter)
    for each in (named, said, card.base if card else ""):
        if each == TINY:
            return TINY_FOLDER
        if each and Path(each).expanduser().is_dir():
            return Path(each).expanduser()
    return _from_hub(named or said)


def _from_hub(repository: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(repository, allow_patterns=list(_HUB_FILES)))
    except (HfHubHTTPError, LocalEntryNotFoundError, ValueError, OSError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ModelFileError(f"{repository}: not on this machine, and the Hugging Face hub says: {reason}") from error


@contextmanager
def _router(named: Named, test: EvaluationSet, settings: Settings, progress: Progress) -> Iterator[Router]:
    """One of Otto's own: over the set's skills, trained on its rows where it brings both, else as it runs."""
    from otto.registry.live import Live
    from otto.routers.choose import Models

    patient = replace(settings, router_seconds=min(60.0, named.seconds))
    if named.model not in MODELS and not test.own_skills and not test.examples:
        live = Live(replace(patient, router=named.model), folders(settings), progress)  # type: ignore[arg-type]
        try:
            yield live.ready.router
        finally:
            live.close()
        return
    models, skills = Models(patient), list(test.skills.values())
    try:
        if named.model in MODELS:
            yield models.single(named.model, skills)
        else:
            yield models.over(_learnt(named.model, test, progress), skills, named.model)
    finally:
        models.close()


def _learnt(name: str, test: EvaluationSet, progress: Progress) -> Router:
    """`fewshot`, trained on the set's own rows, or on Otto's examples without those that are held back."""
    from otto.example import Example
    from otto.routers.fewshot import FewshotRouter
    from otto.routers.joints import openers
    from otto.routers.several import SeveralRouter

    skills = dict(test.skills)
    if test.examples:
        learnt = FewshotRouter.train(list(skills.values()), list(test.examples), progress=progress)
        return SeveralRouter(learnt, skills, openers(test.examples))
    if test.train is None:
        raise OttoError(f"{test.path.parent}: {name} learns from train.jsonl, which this test set lacks")
    rows = [row for row in read_file(test.train) if row.calls]
    examples = [Example(row.text, row.calls) for row in rows]
    return FewshotRouter.train(list(skills.values()), examples, progress=progress)
