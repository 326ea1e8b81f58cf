"""Weights & Biases, where it is wanted: evaluations and models go there, test sets and models come from there.

    publish(folder, name="tiny on heldout", config={…}, metrics={…}, mode="offline")
    folder = pull("team/otto/heldout:v3", cache)

Offline runs lie in `<folder>/wandb`; `wandb sync` sends them later, `wandb leet` shows them. Only what is named here is
sent: no source code, no git remote, no list of packages, no figures about the machine. `WANDB_MODE`, `WANDB_PROJECT`,
`WANDB_ENTITY`, `WANDB_API_KEY` and `WANDB_BASE_URL` are honoured as W&B does.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from otto.errors import ConfigError, OttoError

Mode = Literal["online", "offline", "off"]
MODES: tuple[Mode, ...] = get_args(Mode)
PREFIX = "wandb:"
INSTALL = "pip install 'otto-assistant[finetune]'"
_REFERENCE = re.compile(r"(?:[\w.-]+/){0,2}[\w.-]+(?::(?P<version>[\w.-]+))?")


@dataclass(frozen=True, slots=True)
class Published:
    """What a run shows beside its figures."""

    name: str
    job: str
    """`train`, `eval` or `export`."""
    config: Mapping[str, Any]
    metrics: Mapping[str, float]
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[Any]] = ()
    """A table of predictions."""
    images: Sequence[Path] = ()
    pages: Sequence[Path] = ()
    """HTML."""
    artifact: str = ""
    """Name of the artifact that `files` make up; empty: none."""
    artifact_type: str = "evaluation"
    files: Sequence[Path] = field(default_factory=tuple)


def mode_from(given: str | None) -> Mode:
    """`given`, else `WANDB_MODE`, else off: nothing leaves this machine unasked. Raises `ConfigError`."""
    wanted = given or os.environ.get("WANDB_MODE", "")
    found = {"": "off", "disabled": "off", "dryrun": "offline", "run": "online"}.get(wanted, wanted)
    if found not in MODES:
        raise ConfigError(f"--wandb {wanted}: must be one of {', '.join(MODES)}")
    return found


def publish(what: Published, folder: Path, *, mode: Mode, project: str | None = None) -> str:
    """Sends or keeps one finished run; returns its address, or where it lies. `folder`: for the files of W&B itself.

    Raises `OttoError` where the package is missing or the server cannot be reached.
    """
    if mode == "off":
        return ""
    wandb = _wandb()
    run = begin(what, folder, mode=mode, project=project)
    try:
        with run:
            _send(wandb, run, what)
            where = run.url if mode == "online" else str(Path(run.dir).parent)
    except (wandb.errors.Error, wandb.errors.UsageError) as error:
        raise OttoError(f"W&B refused the run: {error}; everything is in {folder}; try --wandb offline") from error
    return str(where)


def begin(what: Published, folder: Path, *, mode: Mode, project: str | None = None) -> Any:
    """An open run, for a trainer to log into; whoever begins it calls its `finish`. Raises `OttoError`."""
    wandb = _wandb()
    try:
        return wandb.init(
            project=project or os.environ.get("WANDB_PROJECT") or "otto",
            name=what.name,
            job_type=what.job,
            config=dict(what.config),
            dir=str(folder),
            mode=mode,
            settings=_settings(wandb),
        )
    except (wandb.errors.Error, wandb.errors.UsageError) as error:
        raise OttoError(f"W&B refused the run: {error}; try offline") from error


def pull(reference: str, cache: Path) -> Path:
    """The folder of an artifact `entity/project/name:version`, fetched once a version. Raises `OttoError`."""
    parsed = _REFERENCE.fullmatch(reference)
    if parsed is None:
        raise ConfigError(f"wandb:{reference}: must look like wandb:entity/project/name:version")
    whole = reference if parsed["version"] else f"{reference}:latest"
    wandb = _wandb()
    try:
        artifact = wandb.Api().artifact(whole)
        folder = cache / "wandb" / re.sub(r"[^\w.-]+", "_", f"{artifact.qualified_name}-{artifact.digest[:12]}")
        artifact.download(root=str(folder))
    except (wandb.errors.Error, ValueError, OSError) as error:
        raise OttoError(
            f"wandb:{whole}: cannot be fetched ({error}); check the name, and log in with: wandb login"
        ) from error
    return folder


def _wandb() -> Any:
    try:
        import wandb
    except ImportError as error:
        raise ConfigError(f"W&B needs the package wandb: {INSTALL}") from error
    return wandb


def _settings(wandb: Any) -> Any:
    """Quiet, and silent about the machine."""
    return wandb.Settings(
        silent=True,
        console="off",
        disable_git=True,
        disable_code=True,
        save_code=False,
        x_disable_meta=True,
        x_disable_stats=True,
        x_save_requirements=False,
    )


def _send(wandb: Any, run: Any, what: Published) -> None:
    run.summary.update(dict(what.metrics))
    if what.rows:
        run.log({"predictions": wandb.Table(columns=list(what.columns), data=[list(row) for row in what.rows])})
    for image in what.images:
        run.log({f"plots/{image.stem}": wandb.Image(str(image))})
    for page in what.pages:
        run.log({page.stem: wandb.Html(str(page), inject=False)})
    if what.artifact:
        artifact = wandb.Artifact(_artifact_name(what.artifact), type=what.artifact_type, metadata=dict(what.config))
        for file in what.files:
            artifact.add_file(str(file), name=file.name)
        run.log_artifact(artifact)


def _artifact_name(name: str) -> str:
    """W&B allows letters, digits, dashes, underscores and dots."""
    return re.sub(r"[^\w.-]+", "-", name).strip("-") or "otto"
