"""Hosted fine-tuning against a small imitation of both services' HTTP API."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from finetune import hosted, service
from finetune.hosted import train
from finetune.hostedrows import prepare
from finetune.hostedstate import State, read, save
from finetune.provider import MISTRAL, OPENAI
from finetune.recipe import Prompt, Recipe, load
from finetune.service import Service, ServiceError
from finetune.shapes import DataError
from otto.errors import ConfigError, OttoError
from tests.finetune.hostedservice import KEY, Imitation
from tests.finetune.scripted import Asked, Reply

ROOT = Path(__file__).parent.parent.parent
TODAY = date(2026, 11, 20)
ENVIRONMENT = {"MISTRAL_API_KEY": KEY, "OPENAI_API_KEY": KEY}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "FIRST_PAUSE", 0.002)


def written(folder: Path, train_rows: int = 60, valid_rows: int = 2) -> dict[str, Any]:
    """The keys of a recipe for data that is there."""
    for name, count in (("train", train_rows), ("valid", valid_rows)):
        rows = [{"messages": [{"role": "user", "content": f"{name} question {number}"},
                              {"role": "assistant", "content": "stop()"}]} for number in range(count)]  # fmt: skip
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    examples = folder / "examples"
    examples.mkdir(exist_ok=True)
    (examples / "lights_examples.txt").write_text("User: lights on\nAssistant: lights()\n")
    return {"train": folder / "train.jsonl", "valid": folder / "valid.jsonl", "examples": examples}


def recipe(folder: Path, provider: str, address: str = "", rows: tuple[int, int] = (60, 2), **more: Any) -> Recipe:
    base = "open-mistral-7b" if provider == "mistral" else "gpt-x"
    own = {"base": base, "epochs": 3, "poll_seconds": 0.01, **({"address": address} if address else {}), **more}
    return Recipe.model_validate(
        {"name": "mine", "provider": provider, "prompt": {"system": ""}, "data": written(folder, *rows), "hosted": own}
    )


def run(wanted: Recipe, output: Path, **options: Any) -> tuple[State, list[str]]:
    told: list[str] = []
    state = train(wanted, output, tell=told.append, environment=ENVIRONMENT, today=TODAY, **options)
    return state, told


@pytest.mark.parametrize("kind", ["mistral", "openai"])
def test_from_rows_to_a_model_that_answers(tmp_path: Path, kind: str) -> None:
    with Imitation(kind) as imitation:
        state, told = run(recipe(tmp_path, kind, imitation.address, suffix="otto"), tmp_path / "run")
        assert state.model == f"ft:{state.base}:job-1" and state.answer == "stop()"
        assert [row["valid_loss"] for row in state.metrics] == [1.6, 0.6]
        assert json.loads((tmp_path / "run" / "metrics.json").read_text())["train_loss"] == 0.5
        assert read(tmp_path / "run") == state
        assert len(imitation.files["file-1"]["content"].splitlines()) == 60
        [created] = imitation.seen("POST", "/fine_tuning/jobs")[:1]
        assert created.body["suffix"] == "otto"
        epochs = (
            created.body["hyperparameters"]
            if kind == "mistral"
            else created.body["method"]["supervised"]["hyperparameters"]
        )
        assert epochs == ({"epochs": 3.0} if kind == "mistral" else {"n_epochs": 3})
        assert any("cost 4.0" in text for text in told) is (kind == "mistral")
        # The whole thing again: nothing is uploaded, made or started a second time.
        before = len(imitation.seen("POST", "/files")), len(imitation.jobs)
        again, _ = run(recipe(tmp_path, kind, imitation.address, suffix="otto"), tmp_path / "run")
        assert (len(imitation.seen("POST", "/files")), len(imitation.jobs)) == before and again.model == state.model
        with Service(imitation.address, KEY) as asked:
            gone = hosted.delete(tmp_path / "run", asked)
            assert gone.deleted and not imitation.models
            assert not [name for name in imitation.files if name.startswith("file-")]
            hosted.delete(tmp_path / "run", asked)  # what is gone is gone
        with pytest.raises(ConfigError, match="another output folder"):
            run(recipe(tmp_path, kind, imitation.address), tmp_path / "run")


def test_a_dry_run_at_mistral_says_the_cost_and_starts_nothing(tmp_path: Path) -> None:
    with Imitation("mistral") as imitation:
        wanted = recipe(tmp_path, "mistral", imitation.address)
        state, told = run(wanted, tmp_path / "run", dry_run=True)
        assert state.status == "VALIDATED" and not imitation.seen("POST", "/fine_tuning/jobs/job-1/start")
        assert any("cost 4.0, cost_currency EUR" in text for text in told)
        state, _ = run(wanted, tmp_path / "run")
        assert state.model and len(imitation.jobs) == 1, "the same job is started"


def test_a_dry_run_without_a_service_sends_nothing(tmp_path: Path) -> None:
    with Imitation("openai") as imitation:
        _, told = run(recipe(tmp_path, "openai", imitation.address), tmp_path / "run", dry_run=True)
        assert "60 rows" in told[0] and "6 January 2027" in told[0]
        assert not imitation.seen("GET", "/") and not (tmp_path / "run").exists()


@pytest.mark.parametrize("kind", ["mistral", "openai"])
def test_a_run_whose_folder_was_lost_at_the_worst_moment_makes_no_second_job(tmp_path: Path, kind: str) -> None:
    with Imitation(kind) as imitation:
        wanted = recipe(tmp_path, kind, imitation.address)
        made = iter([True])

        def dies(text: str) -> None:
            if "is made" in text and next(made, False):
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            train(wanted, tmp_path / "run", tell=dies, environment=ENVIRONMENT, today=TODAY)
        state = read(tmp_path / "run")
        state.job = state.status = ""  # as if killed between the service's answer and the disk
        save(tmp_path / "run", state)
        state, _ = run(wanted, tmp_path / "run")
        assert state.model and len(imitation.jobs) == 1 and len(imitation.seen("POST", "/files")) == 2


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="kill -9 is POSIX's")
def test_kill_9_in_the_middle_makes_nothing_twice(tmp_path: Path) -> None:
    program = (
        "import sys; from datetime import date; from pathlib import Path; from finetune.hosted import train\n"
        "from tests.finetune.test_hosted import recipe, TODAY\n"
        "print(train(recipe(Path(sys.argv[1]), 'mistral', sys.argv[2]), Path(sys.argv[1]) / 'run', today=TODAY).model)"
    )
    slow = lambda asked: time.sleep(0.05)  # noqa: E731
    with Imitation("mistral", slow) as imitation:
        command = [sys.executable, "-c", program, str(tmp_path), imitation.address]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "MISTRAL_API_KEY": KEY}
        for requests in (2, 5):
            seen = len(imitation.seen("", ""))
            with subprocess.Popen(command, env=environment, cwd=ROOT, stderr=subprocess.DEVNULL) as one:
                while len([each for m in ("GET", "POST") for each in imitation.seen(m, "/")]) < seen + requests:
                    assert one.poll() is None
                    time.sleep(0.005)
                one.kill()
        done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True)
        assert done.stdout.strip() == "ft:open-mistral-7b:job-1", done.stderr
        assert len(imitation.jobs) == 1 and len(imitation.files) <= 3


@pytest.mark.parametrize("kind", ["mistral", "openai"])
def test_busy_servers_are_waited_for_and_nothing_is_made_twice(tmp_path: Path, kind: str) -> None:
    def busy(asked: Asked) -> Reply | None:
        if asked.number % 3 == 0:
            return Reply({"error": {"message": "slow down"}}, 429, {"Retry-After": "0.01"})
        return Reply({}, 500) if asked.number % 7 == 0 and asked.method == "GET" else None

    with Imitation(kind, busy) as imitation:
        state, _ = run(recipe(tmp_path, kind, imitation.address), tmp_path / "run")
        assert state.model and len(imitation.jobs) == 1 and len(state.files) == 2


@pytest.mark.parametrize("kind", ["mistral", "openai"])
def test_a_job_that_fails_says_why(tmp_path: Path, kind: str) -> None:
    with Imitation(kind) as imitation:
        imitation.fails = "line 3 is strange"
        with pytest.raises(ServiceError, match=r"job job-1: (FAILED_VALIDATION|failed): line 3 is strange"):
            run(recipe(tmp_path, kind, imitation.address), tmp_path / "run")
        imitation.fails = ""
        state, _ = run(recipe(tmp_path, kind, imitation.address), tmp_path / "run")
        assert state.job == "job-2", "a failed job is followed by a new one"


def test_a_model_that_cannot_be_used_fails_loudly(tmp_path: Path) -> None:
    def mute(asked: Asked) -> Reply | None:
        return Reply({"choices": []}) if asked.path == "/chat/completions" else None

    with Imitation("mistral", mute) as imitation, pytest.raises(ServiceError, match="does not answer"):
        run(recipe(tmp_path, "mistral", imitation.address), tmp_path / "run")


def test_a_validation_set_that_mistral_would_refuse_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    with Imitation("mistral") as imitation:
        with pytest.raises(
            DataError, match=r"valid\.jsonl: the validation set is too large.*hosted\.valid_rows = (\d+)"
        ):
            run(recipe(tmp_path, "mistral", imitation.address, (200, 50)), tmp_path / "run")
        assert not imitation.seen("GET", "/")
        state, _ = run(recipe(tmp_path, "mistral", imitation.address, (200, 50), valid_rows=9), tmp_path / "run")
        assert len(imitation.files["file-2"]["content"].splitlines()) == 9
    small = replace(MISTRAL, largest_valid=2000)
    wanted = recipe(tmp_path, "mistral", rows=(600, 25))
    with pytest.raises(DataError, match=r"2\.[0-9] kB in 25 rows, and at most 2\.0 kB"):
        prepare(wanted, small)
    assert prepare(wanted, MISTRAL).valid_rows == prepare(wanted, OPENAI).valid_rows == 25


def test_other_limits_are_named_before_anything_is_sent(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="9 rows: openai takes 10 at least"):
        prepare(recipe(tmp_path, "openai", rows=(9, 1)), OPENAI)
    wanted = recipe(tmp_path, "openai", rows=(20, 1))
    with (tmp_path / "train.jsonl").open("a") as file:
        file.write(json.dumps({"prompt": "word " * 80_000, "completion": "b"}) + "\n")
    with pytest.raises(DataError, match=r"train\.jsonl:21: about 100000 tokens"):
        prepare(wanted, OPENAI)
    written(tmp_path, 20, 1)
    with (tmp_path / "train.jsonl").open("a") as file:
        file.write('{"messages": [{"role": "tool", "content": "x"}, {"role": "assistant", "content": "b"}]}\n')
    with pytest.raises(DataError, match=r"train\.jsonl:21: message 1 has the role 'tool'"):
        prepare(wanted, OPENAI)
    written(tmp_path, 20, 1)
    with (tmp_path / "train.jsonl").open("a") as file:
        file.write(json.dumps({"prompt": "mail ada@example.com", "completion": "b"}) + "\n")
    with pytest.raises(DataError, match=r"train\.jsonl:21: e-mail address a…m would be sent"):
        prepare(wanted, OPENAI)


def test_the_system_text_goes_where_the_service_wants_it(tmp_path: Path) -> None:
    wanted = recipe(tmp_path, "openai").model_copy(update={"prompt": Prompt(format="chatml")})
    first = json.loads(prepare(wanted, OPENAI).train.split(b"\n")[0])["messages"]
    assert [each["role"] for each in first] == ["system", "user", "assistant"]
    assert "timer(duration=" in first[0]["content"]
    folded = json.loads(prepare(wanted, MISTRAL).train.split(b"\n")[0])["messages"]
    assert [each["role"] for each in folded] == ["user", "assistant"]
    assert folded[0]["content"] == f"{first[0]['content']}\n\n{first[1]['content']}"


@pytest.mark.parametrize(
    ("provider", "keys", "says"),
    [
        ("mistral", {"base": ""}, "hosted.base"),
        ("mistral", {"epoch": 3}, "hosted.epoch: .*known: base"),
        ("mistral", {"epochs": 99}, "hosted.epochs"),
        ("mistral", {"batch_size": 4}, "hosted.batch_size: mistral has no such setting"),
        ("openai", {"learning_rate": 1e-4}, "hosted.learning_rate: openai has no such setting"),
        ("openai", {"epochs": 1.5}, "whole epochs"),
        ("openai", {"suffix": "x" * 65}, "hosted.suffix: 64 characters"),
    ],
)
def test_wrong_settings_are_named(tmp_path: Path, provider: str, keys: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        run(recipe(tmp_path, provider, **keys), tmp_path / "run")


def test_openai_takes_no_jobs_after_its_last_day(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="since 06 January 2027"):
        train(recipe(tmp_path, "openai"), tmp_path / "run", environment=ENVIRONMENT, today=date(2027, 1, 6))


def test_keys_are_needed_and_never_kept(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="MISTRAL_API_KEY is not set"):
        train(recipe(tmp_path, "mistral"), tmp_path / "run", tell=lambda text: None, environment={}, today=TODAY)
    with Imitation("mistral") as imitation:
        wanted = recipe(tmp_path, "mistral", imitation.address)
        with pytest.raises(ServiceError, match="401: wrong key"):
            train(wanted, tmp_path / "r", tell=lambda text: None, environment={"MISTRAL_API_KEY": "no"}, today=TODAY)
        run(wanted, tmp_path / "run")
    assert KEY not in "".join(path.read_text() for path in (tmp_path / "run").iterdir())


def test_a_run_is_looked_after_by_its_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Imitation("mistral") as imitation:
        run(recipe(tmp_path, "mistral", imitation.address), tmp_path / "run", dry_run=True)
        folder = str(tmp_path / "run")
        assert hosted.main(["status", folder, imitation.address], ENVIRONMENT) == 0
        assert hosted.main(["cancel", folder, imitation.address], ENVIRONMENT) == 0
        assert hosted.main(["delete", folder, imitation.address], ENVIRONMENT) == 0
        assert "CANCELLED" in capsys.readouterr().out and not imitation.files
    assert hosted.main(["status", str(tmp_path)]) == 2
    assert "no hosted run" in capsys.readouterr().err
    assert hosted.main(["burn", folder]) == 2
    (tmp_path / "run" / "hosted.json").write_text("{")
    with pytest.raises(OttoError, match="cannot be read"):
        read(tmp_path / "run")


def test_the_recipes_that_come_with_otto_are_complete_but_for_openais_base() -> None:
    assert hosted.settings(load("hosted-mistral"), MISTRAL).valid_rows == 100
    assert hosted.settings(load("hosted-openai", {"hosted.base": "gpt-x"}), OPENAI).base == "gpt-x"
    with pytest.raises(ConfigError, match=r"hosted-openai: hosted\.base"):
        hosted.settings(load("hosted-openai"), OPENAI)
