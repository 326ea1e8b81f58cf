"""A small imitation of the two services' HTTP API, with a memory: files, jobs, models.

with Imitation("mistral") as service:
    service.address, service.files, service.jobs
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from email.parser import BytesParser
from typing import Any

from tests.finetune.scripted import Asked, Reply, Scripted, chat

KEY = "key-1"
_STEPS = {"mistral": ["QUEUED", "VALIDATING", "VALIDATED"], "openai": ["validating_files", "queued", "running"]}
_STARTED = {"mistral": ["STARTED", "RUNNING", "SUCCESS"], "openai": ["running", "succeeded"]}


class Imitation:
    """Each look at a job moves it one state on."""

    def __init__(self, kind: str, before: Callable[[Asked], Reply | None] = lambda asked: None) -> None:
        """`before`: may answer in the service's place."""
        self.kind = kind
        self.files: dict[str, dict[str, Any]] = {}
        self.jobs: dict[str, dict[str, Any]] = {}
        self.models: set[str] = set()
        self.fails = ""
        """Why the next job fails; empty: it does not."""
        self._before = before
        self._scripted = Scripted(self._answer)
        self.address = self._scripted.address

    def __enter__(self) -> Imitation:
        self._scripted.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._scripted.__exit__(*error)

    def seen(self, method: str, path: str) -> list[Asked]:
        return [each for each in self._scripted.requests if each.method == method and each.path.startswith(path)]

    def _answer(self, asked: Asked) -> Reply:  # noqa: C901  (one case a path)
        if (instead := self._before(asked)) is not None:
            return instead
        if asked.headers.get("authorization") != f"Bearer {KEY}":
            return Reply({"error": {"message": "wrong key"}}, 401)
        parts = asked.path.partition("?")[0].strip("/").split("/")
        match asked.method, parts:
            case "GET", ["files"]:
                return Reply({"data": list(self.files.values())})
            case "POST", ["files"]:
                return self._upload(asked)
            case "GET", ["files", number, "content"]:
                return Reply(self.files[number]["content"].encode())
            case "GET", ["fine_tuning", "jobs"]:
                return Reply({"data": list(self.jobs.values())})
            case "POST", ["fine_tuning", "jobs"]:
                return self._create(asked)
            case "GET", ["fine_tuning", "jobs", number]:
                return Reply(self._moved(self.jobs[number]))
            case "POST", ["fine_tuning", "jobs", number, "start"]:
                if self.jobs[number]["status"] != "VALIDATED":
                    return Reply({"message": "not validated"}, 400)
                self.jobs[number].update(status="STARTED", left=_STARTED["mistral"][1:])
                return Reply(self.jobs[number])
            case "POST", ["fine_tuning", "jobs", number, "cancel"]:
                self.jobs[number].update(status="CANCELLED" if self.kind == "mistral" else "cancelled", left=[])
                return Reply(self.jobs[number])
            case "DELETE", ["models", name]:
                known = name in self.models
                self.models.discard(name)
                return Reply({"deleted": known}, 200 if known else 404)
            case "DELETE", ["files", number]:
                return Reply({"deleted": True}, 200 if self.files.pop(number, None) else 404)
            case "POST", ["chat", "completions"]:
                known = asked.body["model"] in self.models
                return Reply(chat("stop()")) if known else Reply({"message": "no such model"}, 404)
        return Reply({"message": f"no {asked.method} {asked.path}"}, 404)

    def _upload(self, asked: Asked) -> Reply:
        header = f"content-type: {asked.headers['content-type']}\r\n\r\n".encode()
        form = BytesParser().parsebytes(header + asked.content)
        fields = {str(part.get_param("name", header="content-disposition")): part for part in form.get_payload()}
        assert fields["purpose"].get_payload() == "fine-tune"
        content = fields["file"].get_payload(decode=True).decode()
        for line in content.splitlines():
            json.loads(line)["messages"]
        number = f"file-{len(self.files) + 1}"
        name = fields["file"].get_filename()
        self.files[number] = {"id": number, "filename": name, "content": content}
        return Reply({"id": number, "filename": name})

    def _create(self, asked: Asked) -> Reply:
        body = asked.body
        number = f"job-{len(self.jobs) + 1}"
        first, *left = _STEPS[self.kind]
        job = {**body, "id": number, "status": first, "left": left}
        if self.kind == "mistral":
            assert body["auto_start"] is False and {each["file_id"] for each in body["training_files"]} <= set(
                self.files
            )
            job["training_files"] = [each["file_id"] for each in body["training_files"]]
            job["metadata"] = {"cost": 4.0, "cost_currency": "EUR", "train_tokens": 1000}
        else:
            assert body["training_file"] in self.files and body["method"]["type"] == "supervised"
            job["left"] = [*left, "succeeded"]
        self.jobs[number] = job
        return Reply(job)

    def _moved(self, job: dict[str, Any]) -> dict[str, Any]:
        if job["left"]:
            job["status"] = job["left"].pop(0)
        if self.fails and job["status"] in ("VALIDATING", "running"):
            job.update(status="FAILED_VALIDATION" if self.kind == "mistral" else "failed", left=[])
            job["error"] = {"message": self.fails}
        if job["status"] in ("SUCCESS", "succeeded") and not job.get("fine_tuned_model"):
            job["fine_tuned_model"] = f"ft:{job['model']}:{job['id']}"
            self.models.add(job["fine_tuned_model"])
            if self.kind == "mistral":
                job["checkpoints"] = [
                    {"step_number": 20, "metrics": {"train_loss": 0.5, "valid_loss": 0.6}},
                    {"step_number": 10, "metrics": {"train_loss": 1.5, "valid_loss": 1.6}},
                ]
            else:
                table = "step,train_loss,valid_loss\n10,1.5,1.6\n20,0.5,0.6\n"
                self.files["result-1"] = {"id": "result-1", "content": base64.b64encode(table.encode()).decode()}
                job["result_files"] = ["result-1"]
        return job
