"""What hosted fine-tuning services want and say: every fact about their HTTP APIs stands here, once.

Mistral   https://docs.mistral.ai/api (marked deprecated there, still served)
OpenAI    https://platform.openai.com/docs/api-reference/fine-tuning; self-serve fine-tuning ends on 6 January 2027

Both upload files to `/files`, make jobs at `/fine_tuning/jobs`, delete at `/models/{name}` and `/files/{id}`, and
answer at `/chat/completions`. Mistral validates a job and says its cost before it is started; OpenAI starts at once.
"""

from __future__ import annotations

import base64
import binascii
import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from finetune.service import Service

FILES = "/files"
JOBS = "/fine_tuning/jobs"
MODELS = "/models"
PURPOSE = "fine-tune"
MEGABYTE = 1_000_000
_TAG = "otto_run"

Figures = dict[str, float]
"""One measurement: `step`, `train_loss`, `valid_loss`, `valid_accuracy`, as far as known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """One service."""

    name: str
    address: str
    key_variable: str
    ready: frozenset[str]
    """States of a job that was validated and waits to be started."""
    done: frozenset[str]
    failed: frozenset[str]
    """States in which nothing happens any more; any other: it goes on."""
    least_rows: int
    largest_file: int
    """Bytes."""
    largest_valid: int = 0
    """Bytes for validation; 0: as large as any file."""
    valid_share: float = 0.0
    """Of the training file's bytes, at most; 0: no limit."""
    longest_suffix: int = 64
    system: bool = True
    """Whether rows may have a system text; if not, it goes before the user's first words."""
    longest_row: int = 65_536
    """Tokens of a row."""
    ends: date | None = None
    """From this day on no jobs are taken."""
    notice: str = ""
    """What a user should know before paying."""
    job: Callable[[Job], dict[str, Any]]
    """The body that makes a job."""
    same: Callable[[Mapping[str, Any], Job], bool]
    """Whether a job that the service lists is this one."""
    metrics: Callable[[Service, Mapping[str, Any]], list[Figures]]

    def running(self, status: str) -> bool:
        return status not in self.ready | self.done | self.failed


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What is to be trained."""

    base: str
    train_file: str
    """Ids of uploaded files."""
    valid_file: str = ""
    suffix: str = ""
    epochs: float = 0.0
    """0: the service chooses, as for everything else that is 0."""
    steps: int = 0
    learning_rate: float = 0.0
    """Mistral's; OpenAI knows a multiplier only."""
    learning_rate_multiplier: float = 0.0
    batch_size: int = 0
    weight_decay: float = 0.0
    warmup_fraction: float = 0.0
    seed: int | None = None
    wandb_project: str = ""
    wandb_key: str = ""
    tag: str = ""
    """Of the run, unlike any other's: tells its job from one with the same settings."""


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value}


def _mistral_job(job: Job) -> dict[str, Any]:
    hyperparameters = _given(
        training_steps=job.steps,
        epochs=job.epochs,
        learning_rate=job.learning_rate,
        weight_decay=job.weight_decay,
        warmup_fraction=job.warmup_fraction,
    )
    integration = {"type": "wandb", "project": job.wandb_project, "api_key": job.wandb_key}
    return {
        "model": job.base,
        "training_files": [{"file_id": job.train_file, "weight": 1}],
        "hyperparameters": hyperparameters,
        "auto_start": False,
        **_given(
            validation_files=[job.valid_file] if job.valid_file else [],
            suffix=job.suffix,
            integrations=[integration] if job.wandb_project else [],
        ),
    }


def _mistral_same(listed: Mapping[str, Any], job: Job) -> bool:
    files = [each.get("file_id") if isinstance(each, Mapping) else each for each in listed.get("training_files") or ()]
    # Jobs carry no marks of our own here. A similar one that has not ended is refused by the service anyway (409).
    asked = _mistral_job(job)
    given = listed.get("hyperparameters") or {}
    return (
        (listed.get("model"), files, listed.get("suffix") or "") == (job.base, [job.train_file], job.suffix)
        and all(given.get(name) == value for name, value in asked["hyperparameters"].items())
        and listed.get("status") not in MISTRAL.done
    )


def _mistral_metrics(service: Service, job: Mapping[str, Any]) -> list[Figures]:
    found = []
    for checkpoint in job.get("checkpoints") or ():
        measured = checkpoint.get("metrics") or {}
        row = {
            "step": checkpoint.get("step_number"),
            "train_loss": measured.get("train_loss"),
            "valid_loss": measured.get("valid_loss"),
            "valid_accuracy": measured.get("valid_mean_token_accuracy"),
        }
        found.append({name: float(value) for name, value in row.items() if value is not None})
    return sorted(found, key=lambda row: row.get("step", 0.0))


def _openai_job(job: Job) -> dict[str, Any]:
    hyperparameters = _given(
        n_epochs=int(job.epochs),
        batch_size=job.batch_size,
        learning_rate_multiplier=job.learning_rate_multiplier,
    )
    wandb = {"type": "wandb", "wandb": {"project": job.wandb_project}}
    return {
        "model": job.base,
        "training_file": job.train_file,
        "metadata": {_TAG: job.tag},
        "method": {"type": "supervised", "supervised": {"hyperparameters": hyperparameters}},
        **_given(validation_file=job.valid_file, suffix=job.suffix, integrations=[wandb] if job.wandb_project else []),
        **({} if job.seed is None else {"seed": job.seed}),
    }


def _openai_same(listed: Mapping[str, Any], job: Job) -> bool:
    return bool(job.tag) and (listed.get("metadata") or {}).get(_TAG) == job.tag


def _openai_metrics(service: Service, job: Mapping[str, Any]) -> list[Figures]:
    found = []
    for file in job.get("result_files") or ():
        for row in csv.DictReader(io.StringIO(_table(service.fetch(f"{FILES}/{file}/content")))):
            named = {"valid_mean_token_accuracy": "valid_accuracy"}
            figures = {named.get(name, name): _number(value) for name, value in row.items() if name}
            wanted = ("step", "train_loss", "valid_loss", "valid_accuracy")
            found.append({name: value for name in wanted if (value := figures.get(name)) is not None})
    return found


def _table(content: bytes) -> str:
    """Results come as CSV, or as CSV in base64."""
    if b"," not in content[:200]:
        try:
            content = base64.b64decode(content, validate=True)
        except (binascii.Error, ValueError):
            return ""
    return content.decode(errors="replace")


def _number(text: object) -> float | None:
    try:
        return float(str(text))
    except ValueError:
        return None


MISTRAL = Provider(
    name="mistral",
    address="https://api.mistral.ai/v1",
    key_variable="MISTRAL_API_KEY",
    ready=frozenset(["VALIDATED"]),
    done=frozenset(["SUCCESS"]),
    failed=frozenset(["FAILED_VALIDATION", "FAILED", "CANCELLED"]),
    least_rows=1,
    largest_file=512 * MEGABYTE,
    largest_valid=1 * MEGABYTE,
    valid_share=0.05,
    system=False,
    notice="Mistral takes a minimum fee for each job and a monthly one for each model that it keeps, and calls this "
    "API deprecated.",
    job=_mistral_job,
    same=_mistral_same,
    metrics=_mistral_metrics,
)
OPENAI = Provider(
    name="openai",
    address="https://api.openai.com/v1",
    key_variable="OPENAI_API_KEY",
    ready=frozenset(),
    done=frozenset(["succeeded"]),
    failed=frozenset(["failed", "cancelled"]),
    least_rows=10,
    largest_file=512 * MEGABYTE,
    ends=date(2027, 1, 6),
    notice="OpenAI is winding down self-serve fine-tuning: only earlier customers may start jobs, until 6 January "
    "2027, and a tuned model answers only as long as its base does.",
    job=_openai_job,
    same=_openai_same,
    metrics=_openai_metrics,
)
PROVIDERS: Mapping[str, Provider] = {each.name: each for each in (MISTRAL, OPENAI)}


def listed(answer: object) -> Sequence[Mapping[str, Any]]:
    """What is in a list that a service answers with."""
    rows = answer.get("data") if isinstance(answer, Mapping) else None
    return [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []
