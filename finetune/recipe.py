"""Recipes: everything that one training run is, as a TOML file.

    recipe = load("qwen-0.5b")                     of `finetune/recipes/`
    recipe = load("mine.toml", {"training.steps": "20"})

    task = "router"

    [model]
    base = "Qwen/Qwen2.5-0.5B-Instruct"

    [prompt]
    format = "chatml"

    [method]
    kind = "qlora"

Every key has a default that suits a small run, and is checked before anything is loaded: an error names the file and
the key. A recipe may begin with `extends = "other"`, whose keys it then changes. What a key means stands below it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from otto.errors import ConfigError

FOLDER = Path(__file__).parent / "recipes"
"""Where the recipes that come with Otto lie."""
TINY = "otto-tiny"
"""As a base: the model that Otto ships."""

Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1)]
_MOST_EXTENSIONS = 8


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Shape(_Section):
    """A model from scratch: Llama architecture."""

    vocabulary: Count = 4096
    """Tokens of its own tokenizer, trained on the sampled sentences."""
    hidden: Count = 256
    layers: Count = 4
    heads: Count = 4
    feed_forward: Count = 704
    context: Count = 1024
    """Tokens of prompt and answer together, at most."""
    tokenizer_rows: Count = 40_000
    """Sampled sentences that the tokenizer is trained on."""

    @model_validator(mode="after")
    def _divides(self) -> Shape:
        if self.hidden % self.heads or (self.hidden // self.heads) % 2:
            raise ValueError(f"hidden ({self.hidden}) must be an even multiple of heads ({self.heads})")
        return self


class Model(_Section):
    """What is trained."""

    base: str = ""
    """A name on the hub, a folder, or `otto-tiny`; empty: from scratch, as `shape` says."""
    revision: str = ""
    """Commit of the base on the hub."""
    shape: Shape = Shape()
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    saved: Literal["", "float16", "bfloat16"] = ""
    """How whole models are written; empty: as they were trained."""
    attention: Literal["", "sdpa", "eager", "flash_attention_2", "flash_attention_3"] = ""
    """Empty: what transformers chooses."""
    device_map: str | dict[str, int | str] = ""
    """`auto` spreads layers over GPUs, memory and, with `offload_folder`, disk; a table says which layers go where
    (`"model.layers.31" = "disk"`); empty: one device."""
    offload_folder: Path = Path()
    """Where layers go that fit nowhere else; `<output>/offload` unless given."""
    unsloth: bool = False
    """Load through Unsloth, where it is installed."""


class Prompt(_Section):
    """How the model is asked: in training, evaluation and serving alike."""

    format: str = "plain"
    """A file of `prompts/formats/`."""
    system: str = "router"
    """A file of `prompts/` with the system text; empty: none, the model knows its skills by heart."""


class Method(_Section):
    """Which weights are trained."""

    kind: Literal["qlora", "lora", "full"] = "lora"
    """`qlora`: an adapter on a base in 4 bits (NF4); `lora`: on a whole base; `full`: all weights."""
    rank: Count = 16
    alpha: Count = 32
    dropout: Share = 0.05
    targets: str | list[str] = "all-linear"
    """Layers that get an adapter."""
    double_quantisation: bool = True
    """Whether the 4-bit scales are quantised too: 0.4 bits a weight less."""


class Data(_Section):
    """What it is trained on."""

    train: Path = Path("data/train.jsonl")
    """Rows as `otto data collect` writes them."""
    valid: Path = Path("data/valid.jsonl")
    """Rows to measure with while training; need not exist where `evaluate_every` is 0."""
    sample: bool = False
    """Sample sentences from the example files without end, instead of reading files; needs `training.steps`."""
    examples: Path = Path()
    """Folder of example files to sample from; unless given, the user's own over the bundled ones."""
    wordings: bool = False
    """Sample from `finetune/wordings/` as well: sentences for the bundled skills that only models learn from. They
    would make the embedded router slower to train, and readier to take what is not meant for Otto."""
    other_share: Share | None = None
    """Of sampled rows that mean `other()`; as in the examples unless given."""
    unseen_share: Share = 0.0
    """Of sampled commands that mean a skill which is not on the base's card, where there is one: what an adapter is
    for."""
    rehearse: Annotated[int, Field(ge=0)] = 0
    """Of sampled rows, so many come first that are nothing but copying: a new model learns that by itself late."""
    max_length: Count = 1024
    """Tokens of prompt and answer; longer rows are reported and stop the run."""
    packing: bool = False
    """Several rows in one sequence, attending each to itself only."""


class Training(_Section):
    """How long, how fast, on what."""

    epochs: Annotated[float, Field(gt=0)] = 3.0
    steps: Annotated[int, Field(ge=0)] = 0
    """Optimiser steps; 0: as many as `epochs` take."""
    batch_size: Count = 8
    """Rows at a time on one device."""
    accumulation: Count = 1
    """Batches an optimiser step."""
    learning_rate: Annotated[float, Field(gt=0, lt=1)] = 2e-4
    schedule: Literal["linear", "cosine", "constant_with_warmup"] = "cosine"
    warmup: Share = 0.03
    """Share of the steps in which the learning rate rises."""
    weight_decay: Share = 0.0
    clip: Annotated[float, Field(gt=0)] = 1.0
    """Largest norm of a step's gradient."""
    beta2: Annotated[float, Field(gt=0, lt=1)] = 0.999
    optimizer: str = "auto"
    """A name that transformers knows; `auto`: `paged_adamw_8bit` for QLoRA on CUDA, else `adamw_torch_fused`."""
    gradient_checkpointing: bool = False
    """Less memory for a third more time."""
    precision: Literal["auto", "bf16", "fp32"] = "auto"
    """`auto`: bf16 where the GPU or the CPU computes it, else fp32."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    threads: Annotated[int, Field(ge=0)] = 0
    """CPU threads; 0: what torch chooses."""
    fsdp: bool = False
    """Spread weights, gradients and optimiser over the processes that `accelerate launch` or `torchrun` started."""
    seed: int = 0
    log_every: Count = 10
    """Steps."""
    evaluate_every: Annotated[int, Field(ge=0)] = 0
    """Steps; 0: never."""
    evaluate_rows: Count = 200
    """Of the validation set, at most."""
    predictions: Annotated[int, Field(ge=0)] = 8
    """Sample answers at each evaluation, in the W&B table and in `predictions.jsonl`."""
    early_stopping: Annotated[int, Field(ge=0)] = 0
    """Evaluations without a better loss after which training ends; 0: never."""
    save_every: Annotated[int, Field(ge=0)] = 0
    """Steps; 0: at the end only."""
    keep: Count = 2
    """Checkpoints."""
    must_answer: bool = True
    """Whether a run fails whose saved model answers a question of its own training data with nothing usable."""


class Logging(_Section):
    """Where figures go besides the output folder."""

    wandb: Literal["online", "offline", "disabled"] = "disabled"
    project: str = "otto"


class Recipe(_Section):
    """One training run."""

    name: str = ""
    """The file's name unless given."""
    description: str = ""
    licence: str = ""
    """Of the model that comes out; see the base's."""
    provider: Literal["local", "mistral", "openai"] = "local"
    """Who trains: this machine, or a hosted service (`[hosted]`)."""
    task: str = "router"
    """A file of `finetune/tasks/`."""
    model: Model = Model()
    prompt: Prompt = Prompt()
    method: Method = Method()
    data: Data = Data()
    training: Training = Training()
    logging: Logging = Logging()
    hosted: dict[str, Any] = Field(default_factory=dict)
    """For a hosted service: the base's name there and its hyperparameters."""
    asking: dict[str, Any] = Field(default_factory=dict)
    """Models that answer the task's questions, for `otto data answers` (`finetune/answers.py`)."""
    judging: dict[str, Any] = Field(default_factory=dict)
    """Models that judge answers, for `otto eval judge`; of the same form."""

    @model_validator(mode="after")
    def _agrees(self) -> Recipe:
        if not self.model.base and self.provider == "local" and self.method.kind != "full":
            raise ValueError(
                f"model.base: a model from scratch is trained with method.kind full, not {self.method.kind}"
            )
        if self.data.sample and not self.training.steps:
            raise ValueError("training.steps: sampled sentences never end, so the number of steps must be given")
        if self.data.sample and self.data.packing:
            raise ValueError("data.packing: sampled sentences are sorted by length instead; leave packing off")
        if self.training.early_stopping and not self.training.evaluate_every:
            raise ValueError("training.early_stopping: needs training.evaluate_every")
        return self


def load(name: str | Path, changes: Mapping[str, str] | None = None) -> Recipe:
    """The recipe of that name, or in that file; `changes` are keys with dots and their values as TOML or plain text.

    Raises `ConfigError` naming file and key.
    """
    path = find(name)
    content = _content(path, 0)
    content.setdefault("name", path.stem)
    for key, value in (changes or {}).items():
        _set(content, key, value)
    try:
        recipe = Recipe.model_validate(content)
    except ValidationError as error:
        raise ConfigError(_explained(path, error)) from None
    if recipe.data.sample and "data.train" in (changes or {}):
        raise ConfigError(
            f"{path}: data.train: this recipe samples its sentences from the example files and reads no rows; to train "
            "on rows, add --set data.sample=false"
        )
    return recipe


def find(name: str | Path) -> Path:
    """Where a recipe lies. Raises `ConfigError` naming those that there are."""
    path = Path(name)
    if path.suffix == ".toml" or path.is_file():
        if path.is_file():
            return path
    elif (own := FOLDER / f"{name}.toml").is_file():
        return own
    raise ConfigError(f"there is no recipe {str(name)!r}; those that come with Otto: {', '.join(names())}")


def names() -> list[str]:
    """The recipes that come with Otto."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def _content(path: Path, depth: int) -> dict[str, Any]:
    if depth > _MOST_EXTENSIONS:
        raise ConfigError(f"{path}: extends: these recipes extend each other in a circle")
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from error
    base = content.pop("extends", None)
    if base is None:
        return content
    beside = path.parent / f"{base}.toml"
    return _merged(_content(beside if beside.is_file() else find(str(base)), depth + 1), content)


def _merged(under: dict[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = {key: value for key, value in under.items() if key != "name"}
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = _merged(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged


def _set(content: dict[str, Any], key: str, value: str) -> None:
    try:
        read: Any = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        read = value
    *sections, last = key.split(".")
    for section in sections:
        content = content.setdefault(section, {})
        if not isinstance(content, dict):
            raise ConfigError(f"--set {key}: {section} is no section of a recipe")
    content[last] = read


def _explained(path: Path, error: ValidationError) -> str:
    problems = []
    for each in error.errors():
        key = ".".join(str(part) for part in each["loc"])
        if each["type"] == "extra_forbidden":
            known = ", ".join(sorted(_keys(each["loc"][:-1])))
            problems.append(f"{key}: unknown key; known here: {known}")
        else:
            message = str(each["msg"]).removeprefix("Value error, ")
            problems.append(f"{key}: {message}" if key else message)
    return f"{path}: " + "; ".join(problems)


def _keys(location: tuple[int | str, ...]) -> set[str]:
    kind: type[BaseModel] = Recipe
    for part in location:
        inner = kind.model_fields[str(part)].annotation
        if not isinstance(inner, type) or not issubclass(inner, BaseModel):
            return set()
        kind = inner
    return set(kind.model_fields)
