"""`openai` and `story` against a small real server that speaks the OpenAI API, well and badly."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from otto import SkillError
from otto.chat import plain
from otto.config import Settings
from otto.function import SkillFunction
from otto.session import Session

Loader = Callable[[str], SkillFunction[Any, Any]]
PATH = "/v1/chat/completions"


def completion(content: object) -> bytes:
    message = {"role": "assistant", "content": content}
    choice = {"index": 0, "finish_reason": "stop", "message": message}
    return json.dumps(
        {"id": "1", "object": "chat.completion", "created": 0, "model": "tiny", "choices": [choice]}
    ).encode()


@pytest.fixture
def ask(now: datetime, web: Any, function: Loader, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    monkeypatch.setenv("OPENAI_BASE_URL", f"{web.origin}/v1")

    def asked(name: str = "openai", model: str = "tiny", **arguments: str) -> str:
        session = Session(now, settings=Settings(openai_model=model))
        return function(name).run(arguments or {"prompt": "Why is the sky blue?"}, session).text

    return asked


def test_a_question_is_answered_briefly(ask: Callable[..., str], web: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "canary-key")
    web.answers[PATH] = 200, completion("**Air** scatters blue light most.\n")
    assert ask() == "Air scatters blue light most."
    sent = json.loads(web.bodies[0])
    assert sent["model"] == "tiny"
    assert sent["messages"][1] == {"role": "user", "content": "Why is the sky blue?"}
    assert "read aloud" in sent["messages"][0]["content"]
    assert web.headers[0]["authorization"] == "Bearer canary-key"


def test_a_story_is_about_what_was_wished_for(ask: Callable[..., str], web: Any) -> None:
    web.answers[PATH] = 200, completion("Once upon a time there was an otter.")
    assert ask("story", description="a brave otter") == "Once upon a time there was an otter."
    assert "a brave otter" in json.loads(web.bodies[0])["messages"][1]["content"]
    assert "storyteller" in json.loads(web.bodies[0])["messages"][0]["content"]


def test_a_story_about_anything(now: datetime, ask: Callable[..., str], web: Any, function: Loader) -> None:
    web.answers[PATH] = 200, completion("Once.")
    assert function("story").run({}, Session(now, settings=Settings(openai_model="tiny"))).text == "Once."


def test_without_a_model_the_setting_is_named(ask: Callable[..., str], web: Any) -> None:
    with pytest.raises(SkillError, match=r"set openai_model = .* in otto\.toml"):
        ask(model="")
    assert web.asked == []


def test_without_an_endpoint_the_variables_are_named(ask: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_BASE_URL")
    with pytest.raises(SkillError, match="OPENAI_BASE_URL or OPENAI_API_KEY"):
        ask()


@pytest.mark.parametrize(
    ("status", "body", "sentence"),
    [
        (401, b'{"error": {"message": "Incorrect API key provided: canary"}}', "refused my key: check OPENAI_API_KEY"),
        (404, b'{"error": {"message": "model not found"}}', "check openai_model and OPENAI_BASE_URL"),
        (429, b'{"error": {"message": "Rate limit"}}', "too much to do"),
        (500, b"", "answered with error 500"),
        (400, b"not json", "answered with error 400"),
        (200, b"garbage", "can't read"),
        (200, b"", "can't read"),
        (200, b"[]", "can't read"),
        (200, b"null", "can't read"),
        (200, b"{}", "can't read"),
        (200, b'{"choices": 3}', "can't read"),
        (200, b'{"choices": [3]}', "can't read"),
        (200, b'{"choices": [{"message": {"content": 7}}]}', "can't read"),
        (200, b'{"choices": []}', "can't read"),
        (200, completion(None), "can't read"),
        (200, completion("<think>hmm"), "can't read"),
        (302, b"", "answered with error 302|can't read"),
    ],
)
def test_bad_answers_are_sentences(status: int, body: bytes, sentence: str, ask: Callable[..., str], web: Any) -> None:
    web.answers[PATH] = status, body
    with pytest.raises(SkillError, match=sentence) as caught:
        ask()
    assert "canary" not in str(caught.value)
    assert len(web.asked) == 1, "a failed question is not asked again in the background"


def test_a_key_stays_out_of_logs_and_tracebacks(
    ask: Callable[..., str], web: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "canary-key")
    web.answers[PATH] = 401, b'{"error": {"message": "Incorrect API key provided: canary-key"}}'
    with caplog.at_level("DEBUG"), pytest.raises(SkillError) as caught:
        ask()
    assert caplog.records and "canary-key" not in caplog.text
    assert "canary-key" not in "".join(traceback.format_exception(caught.value))
    caplog.clear()
    with caplog.at_level("INFO"), pytest.raises(SkillError):
        ask()
    assert "sky" not in caplog.text, "what was said is logged at DEBUG at most"


def test_nobody_there_is_a_sentence(ask: Callable[..., str], web: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
    with pytest.raises(SkillError, match=r"^I couldn't reach 127\.0\.0\.1\.$"):
        ask()


@pytest.mark.parametrize("base", ["not an address", "http://", "ftp://example.org/v1", "http://169.254.169.254/v1"])
def test_an_impossible_endpoint_is_a_sentence(
    base: str, ask: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", base)
    with pytest.raises(SkillError):
        ask()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("# Title\n\n- **one**\n- _two_", "Title\none\ntwo"),
        ("<think>Let me see.\n</think>\nBlue.", "Blue."),
        ("See [the page](https://example.org).", "See the page."),
        ("snake_case, 3 * 4 and 3*4", "snake_case, 3 * 4 and 3*4"),
        ("Short. " * 1000, None),
    ],
)
def test_plain(text: str, said: str | None) -> None:
    if said is None:
        assert len(plain(text)) <= 4000 and plain(text).endswith("Short.")
    else:
        assert plain(text) == said
