"""Hosted fine-tuning: the same recipe, trained by Mistral or OpenAI.

    provider = "mistral"                  in the recipe

    [hosted]
    base = "open-mistral-7b"              the base's name at the service
    epochs = 3

    otto train coach-mistral --dry-run    checks everything; at Mistral also what it costs, before anything is started
    otto train coach-mistral              uploads, starts, follows, fetches the figures, asks the model one question
    python -m finetune.hosted status|cancel|delete runs/coach-mistral

Everything that a service says (ids of files and job, figures, the model's name) is kept in `hosted.json` in the output
folder after each step. Started again, a run goes on where it was: no file is uploaded twice, no job made twice.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from finetune.hostedrows import Prepared, name_of, prepare
from finetune.hostedsettings import Hosted, settings
from finetune.hostedstate import State, known, read, save
from finetune.provider import FILES, JOBS, MODELS, PROVIDERS, PURPOSE, Figures, Job, Provider, listed
from finetune.recipe import Recipe
from finetune.service import Service, ServiceError
from otto.errors import ConfigError, OttoError
from otto.files import write_atomic

VALIDATION_SECONDS = 3600.0
"""How long a service may take to look at the files."""

Tell = Callable[[str], None]


def train(
    recipe: Recipe,
    output: Path,
    *,
    dry_run: bool = False,
    tell: Tell = lambda text: print(text, file=sys.stderr),
    environment: Mapping[str, str] = os.environ,
    today: date | None = None,
) -> State:
    """Trains by a hosted service and returns what came of it; `State.model` is what endpoints are asked for.

    `dry_run`: nothing is started. Raises `ConfigError`, `DataError` before anything is sent; `ServiceError`.
    """
    provider = PROVIDERS[recipe.provider]
    wanted = settings(recipe, provider)
    if provider.ends and not wanted.address and (today or date.today()) >= provider.ends:
        raise ConfigError(f"provider: {provider.name} has taken no fine-tuning jobs since {provider.ends:%d %B %Y}; "
                          "train locally, or with another provider")  # fmt: skip
    prepared = prepare(recipe, provider, wanted.valid_rows)
    tell(_plan(wanted, provider, prepared))
    key = environment.get(provider.key_variable, "")
    if dry_run and not (key and provider.ready):
        if provider.ready:
            tell(f"Set {provider.key_variable} to have {provider.name} validate it and say the cost, too.")
        return State(provider.name, wanted.base)
    if not key:
        raise ConfigError(f"{provider.key_variable} is not set: {provider.name} needs a key")
    output.mkdir(parents=True, exist_ok=True)
    state = known(output, provider.name, wanted.base)
    with Service(wanted.address or provider.address, key) as service:
        run = _Run(service, provider, wanted, state, output, tell)
        job = _job(recipe, wanted, run.uploaded(prepared), state.tag, environment)
        run.create(job)
        run.await_validation()
        if dry_run:
            tell(f"Nothing was started. The same command without --dry-run starts job {state.job}.")
            return state
        run.start()
        run.follow()
        run.ask(prepared)
    return state


def cancel(output: Path, service: Service) -> State:
    """Ends the job."""
    state = read(output)
    answer = service.send("POST", f"{JOBS}/{state.job}/cancel")
    state.status = str(answer.get("status", state.status))
    save(output, state)
    return state


def delete(output: Path, service: Service) -> State:
    """Deletes the model and the uploaded files at the service; what is gone already is no error."""
    state = read(output)
    paths = [f"{MODELS}/{state.model}"] if state.model else []
    for path in (*paths, *(f"{FILES}/{number}" for number in state.files.values())):
        try:
            service.send("DELETE", path)
        except ServiceError as error:
            if error.status != 404:
                raise
    state.deleted, state.files = True, {}
    save(output, state)
    return state


class _Run:
    """The steps of one run; each does nothing where it was done."""

    def __init__(
        self, service: Service, provider: Provider, wanted: Hosted, state: State, output: Path, tell: Tell
    ) -> None:
        self._service = service
        self._provider = provider
        self._wanted = wanted
        self._state = state
        self._output = output
        self._tell = tell

    def uploaded(self, prepared: Prepared) -> tuple[str, str]:
        """Ids of the training and the validation file; the latter is empty where there is none."""
        contents = {"train": prepared.train, "valid": prepared.valid}
        there = {str(row.get("filename")): str(row.get("id")) for row in listed(self._service.send("GET", FILES))}
        there |= self._state.files
        ids = {}
        for what, content in contents.items():
            name = name_of(content, what)
            if not content:
                ids[what] = ""
                continue
            if name not in there:
                self._tell(f"Uploading {name} ({len(content)} bytes).")
                answer = self._service.send(
                    "POST", FILES, form={"purpose": PURPOSE}, files={"file": (name, content)}, repeatable=False
                )
                there[name] = str(answer["id"])
            ids[what] = self._state.files[name] = there[name]
            self._save()
        return ids["train"], ids["valid"]

    def create(self, job: Job) -> None:
        """Makes the job, unless this run or an interrupted one has."""
        if self._state.job and self._state.status not in self._provider.failed:
            self._look()
            if self._state.status not in self._provider.failed:
                return
        known = [row for row in listed(self._service.send("GET", JOBS)) if self._provider.same(row, job)]
        going = [row for row in known if row.get("status") not in self._provider.failed]
        answer = going[0] if going else self._service.send("POST", JOBS, json=self._provider.job(job), repeatable=False)
        self._state.job = str(answer["id"])
        self._seen(answer)
        self._tell(f"Job {self._state.job} {'goes on' if going else 'is made'}: {self._state.status}.")

    def await_validation(self) -> None:
        """Until the service has looked at the files and waits to be told to start; says what it will cost."""
        if not self._provider.ready:
            return
        until = time.monotonic() + VALIDATION_SECONDS
        while self._state.status in ("QUEUED", "VALIDATING"):
            if time.monotonic() > until:
                raise ServiceError(f"job {self._state.job} is still {self._state.status}; run the same command later")
            time.sleep(min(self._wanted.poll_seconds, 5.0))
            self._look()
        self._refuse_failure()
        if self._state.estimate:
            self._tell("The service estimates: " + ", ".join(f"{k} {v}" for k, v in self._state.estimate.items()))

    def start(self) -> None:
        """Starts a job that waits for it."""
        if self._state.status in self._provider.ready:
            self._seen(self._service.send("POST", f"{JOBS}/{self._state.job}/start", repeatable=False))

    def follow(self) -> None:
        """Until the job has ended; Ctrl-C leaves it running."""
        told = ""
        try:
            while True:
                job = self._look()
                if self._state.status != told:
                    told = self._state.status
                    self._tell(f"Job {self._state.job}: {told}")
                if not self._provider.running(told):
                    break
                time.sleep(self._wanted.poll_seconds)
        except KeyboardInterrupt:
            self._tell(f"Job {self._state.job} goes on at {self._provider.name}; the same command follows it again.")
            raise
        self._refuse_failure(job)
        self._state.metrics = self._provider.metrics(self._service, job)
        self._save()
        write_atomic(self._output / "metrics.json", json.dumps(self._last_figures(), indent=1) + "\n")

    def ask(self, prepared: Prepared) -> None:
        """Asks the model one question: one that cannot be used fails here, not later."""
        if not self._state.model:
            raise ServiceError(f"job {self._state.job} has ended without a model")
        messages = [{"role": each.role, "content": each.text} for each in prepared.question.messages[:-1]]
        answer = self._service.send(
            "POST", "/chat/completions", json={"model": self._state.model, "messages": messages}
        )
        try:
            said = answer["choices"][0]["message"]["content"]
        except (KeyError, IndexError, TypeError):
            said = None
        if not isinstance(said, str) or not said.strip():
            raise ServiceError(f"the model {self._state.model} is there and does not answer")
        self._state.answer = said
        self._save()
        self._tell(f"The model {self._state.model} answers {prepared.question.question!r} with {said!r}.")
        self._tell(f"Use it: OPENAI_BASE_URL={self._service.address} OPENAI_API_KEY=${self._provider.key_variable}, "
                   f'and openai_model = "{self._state.model}" in otto.toml.')  # fmt: skip

    def _look(self) -> Mapping[str, Any]:
        answer = self._service.send("GET", f"{JOBS}/{self._state.job}")
        self._seen(answer)
        return answer if isinstance(answer, Mapping) else {}

    def _seen(self, job: Mapping[str, Any]) -> None:
        state = self._state
        state.status = str(job.get("status") or state.status)
        state.model = str(job.get("fine_tuned_model") or state.model)
        told = job.get("metadata") or {}
        estimate = {
            name: told.get(name) for name in ("cost", "cost_currency", "train_tokens", "expected_duration_seconds")
        }
        state.estimate = {name: value for name, value in estimate.items() if value is not None} or state.estimate
        self._save()

    def _refuse_failure(self, job: Mapping[str, Any] | None = None) -> None:
        if self._state.status in self._provider.failed:
            job = job or self._look()
            error = job.get("error") or {}
            events = job.get("events") or []
            said = error.get("message") if isinstance(error, Mapping) else str(error)
            said = said or "; ".join(str((event.get("data") or {}).get("error") or "") for event in events).strip("; ")
            raise ServiceError(f"job {self._state.job}: {self._state.status}" + (f": {said}" if said else ""))

    def _last_figures(self) -> Figures:
        last: Figures = {}
        for row in self._state.metrics:
            last |= row
        return last

    def _save(self) -> None:
        save(self._output, self._state)


def _plan(wanted: Hosted, provider: Provider, prepared: Prepared) -> str:
    epochs = f"{wanted.epochs:g} epochs" if wanted.epochs else "epochs as the service chooses"
    return (
        f"{provider.name} is to tune {wanted.base}: {prepared.train_rows} rows (about {prepared.tokens} tokens, "
        f"{epochs}), {prepared.valid_rows} to validate with. {provider.notice}"
    )


def _job(recipe: Recipe, wanted: Hosted, files: tuple[str, str], tag: str, environment: Mapping[str, str]) -> Job:
    project = recipe.logging.project if recipe.logging.wandb == "online" else ""
    return Job(
        base=wanted.base, train_file=files[0], valid_file=files[1], suffix=wanted.suffix or recipe.name[:18],
        epochs=wanted.epochs, steps=wanted.steps, learning_rate=wanted.learning_rate,
        learning_rate_multiplier=wanted.learning_rate_multiplier, batch_size=wanted.batch_size,
        weight_decay=wanted.weight_decay, warmup_fraction=wanted.warmup_fraction, seed=recipe.training.seed,
        wandb_project=project, wandb_key=environment.get("WANDB_API_KEY", "") if project else "",
        tag=tag,
    )  # fmt: skip


def main(arguments: list[str], environment: Mapping[str, str] = os.environ) -> int:
    """`python -m finetune.hosted status|cancel|delete FOLDER [ADDRESS]`; the exit code."""
    verbs: dict[str, Callable[[Path, Service], State]] = {"cancel": cancel, "delete": delete}
    if len(arguments) not in (2, 3) or arguments[0] not in ("status", *verbs):
        print("python -m finetune.hosted status|cancel|delete FOLDER [ADDRESS]", file=sys.stderr)
        return 2
    output = Path(arguments[1])
    try:
        state = read(output)
        provider = PROVIDERS[state.provider]
        with Service((arguments[2:] or [provider.address])[0], environment.get(provider.key_variable, "")) as service:
            if arguments[0] in verbs:
                state = verbs[arguments[0]](output, service)
            elif state.job:
                state.status = str(service.send("GET", f"{JOBS}/{state.job}").get("status"))
    except OttoError as error:
        print(f"otto: {error}", file=sys.stderr)
        return 2
    print(f"{state.provider} {state.job or '(no job)'}: {state.status or 'not started'}; model: "
          f"{'deleted' if state.deleted else state.model or 'none yet'}")  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
