"""The texts that language models are given, and how a model's family frames them.

One file a prompt lies in `prompts/`; one file a family in `prompts/formats/`: its framing of the first turn, of a first
turn without a system text, and of each further one, with `{system}`, `{user}` and `{answer}` where these go. Training,
evaluation and serving all render through this module, so that a model is asked just as it was taught. A model file's
own template is never used (CVE-2024-34359: one could run code).

>>> prompt("story").startswith("You")
True
>>> chat_format("plain").opening([Message("user", "lights on")])
'<s>User: lights on\nAssistant:\n'
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from otto import signature
from otto.call import OTHER, Call, write
from otto.config import bundled
from otto.errors import ConfigError
from otto.skill import Skill

Role = Literal["system", "user", "assistant"]

_SECTION = re.compile(r"^#### (First turn|First turn without a system text|Next turn):\n", re.MULTILINE)
_PART = re.compile(r"\{(system|user|answer)\}")
# What tokenizers read as one token that means something to the model: begins, ends and turns.
_MARKER = re.compile(
    r"(<)(/?s>|unk>|pad>|mask>|bos>|eos>|start_of_turn>|end_of_turn>|<\s*/?SYS>>|\|[^|<>]{0,40}\|>)|(\[)(/?INST\])",
    re.IGNORECASE,
)


def prompt(name: str) -> str:
    """The text of `prompts/<name>.txt`, without the white space around it. Raises `ConfigError` where it is missing."""
    return _read(name).strip()


@dataclass(frozen=True, slots=True)
class Message:
    """One thing said in a conversation with a model."""

    role: Role
    text: str


@dataclass(frozen=True, slots=True)
class ChatFormat:
    """How one family of models frames a conversation. Begin and end tokens are spelled out, so rendered text is
    tokenised with special tokens parsed and none added."""

    name: str
    first: str
    """The first turn, with a system text."""
    alone: str
    """The first turn without one."""
    further: str
    """Each turn after that."""

    def opening(self, messages: Sequence[Message]) -> str:
        """Everything up to where the model writes. `messages`: an optional system text, then user and assistant in
        turn, the last one the user's."""
        return self._rendered(messages)

    def completion(self, answer: str) -> str:
        """What the model writes after `opening`: the answer, framed, and its end. Loss is taken on just this."""
        before, after = self._around_answer(self.alone)
        return before + _inert(answer) + after.rstrip()

    def whole(self, messages: Sequence[Message]) -> str:
        """The conversation with the assistant's last message, which ends it."""
        *before, last = messages
        return self.opening(before) + self.completion(last.text)

    @property
    def end(self) -> str:
        """What a model writes last: `</s>`."""
        return self._around_answer(self.alone)[1].strip()

    @property
    def hash(self) -> str:
        """16 hex digits of the sha256 over the three templates."""
        return _digest(self.first, self.alone, self.further)

    def _rendered(self, messages: Sequence[Message]) -> str:
        system, turns = _turns(messages)
        text = ""
        for place, (user, answer) in enumerate(turns):
            template = self.further if place else self.first if system else self.alone
            if answer is None:
                template = template[: template.index("{answer}")].rstrip(" ")
            text += _filled(template, {"system": system.strip(), "user": _inert(user), "answer": _inert(answer or "")})
        return text

    @staticmethod
    def _around_answer(template: str) -> tuple[str, str]:
        """Blanks right before the answer, which tokenizers merge with its first word, and what follows it."""
        head, _, tail = template.partition("{answer}")
        return head[len(head.rstrip(" ")) :], tail


@dataclass(frozen=True, slots=True)
class RouterPrompt:
    """How a model is asked for calls: a family's framing around a system text that lists the skills."""

    format: ChatFormat
    system: str = ""
    """With `{skills}` where the list goes; empty for a model that knows its skills by heart."""

    def messages(self, text: str, skills: Sequence[Skill]) -> tuple[Message, ...]:
        """The question as messages: what an endpoint is sent."""
        listed = self.system.replace("{skills}", listing(skills))
        return (*([Message("system", listed)] if listed else []), Message("user", text))

    def opening(self, text: str, skills: Sequence[Skill]) -> str:
        """The question as one text, up to where the calls follow."""
        return self.format.opening(self.messages(text, skills))

    def training(self, text: str, calls: Sequence[Call], skills: Sequence[Skill]) -> tuple[str, str]:
        """(prompt, completion) of an example; the completion ends with the family's end token."""
        return self.opening(text, skills), self.format.completion(write(calls))

    @property
    def hash(self) -> str:
        """16 hex digits: framing and system text."""
        return _digest(self.format.hash, self.system)


def chat_format(name: str) -> ChatFormat:
    """The framing in `prompts/formats/<name>.txt`. Raises `ConfigError` naming what there is."""
    folder = bundled("prompts") / "formats"
    if not (folder / f"{name}.txt").is_file():
        known = ", ".join(sorted(file.stem for file in folder.glob("*.txt")))
        raise ConfigError(f"there is no prompt format {name!r} in {folder}; known: {known}")
    sections = _SECTION.split(_read(f"formats/{name}"))[1:]
    parts = {heading: body.removesuffix("\n") for heading, body in zip(sections[::2], sections[1::2], strict=True)}
    try:
        return ChatFormat(name, parts["First turn"], parts["First turn without a system text"], parts["Next turn"])
    except KeyError as missing:
        raise ConfigError(f"{folder / name}.txt: the section {missing} is missing") from None


def router_prompt(format_name: str, system: str | None = None) -> RouterPrompt:
    """The prompt for routing in that family's framing; `system` replaces the text of `prompts/router.txt`."""
    return RouterPrompt(chat_format(format_name), prompt("router") if system is None else system)


def listing(skills: Iterable[Skill]) -> str:
    """The skills as models read them: one signature a line, with what it does."""
    return "\n".join(
        f"{signature.write(skill)} {skill.description}".rstrip() for skill in skills if skill.name != OTHER
    )


def skills_hash(skills: Iterable[Skill]) -> str:
    """16 hex digits over all schemas, whatever their order: which skills a model was taught."""
    return _digest(*sorted(skill.hash for skill in skills if skill.name != OTHER))


def _turns(messages: Sequence[Message]) -> tuple[str, list[tuple[str, str | None]]]:
    """The system text, and each thing the user said with its answer; None: not answered yet."""
    system = messages[0].text if messages and messages[0].role == "system" else ""
    rest = messages[1:] if messages and messages[0].role == "system" else messages
    wanted = [("user", "assistant")[place % 2] for place in range(len(rest))]
    if not rest or [message.role for message in rest] != wanted:
        raise ValueError("messages must be an optional system text, then user and assistant in turn")
    said = [message.text for message in rest]
    answers: list[str | None] = [*said[1::2], *([None] if len(said) % 2 else [])]
    return system, list(zip(said[::2], answers, strict=True))


def _filled(template: str, parts: Mapping[str, str]) -> str:
    """In one go, so that what was said is never searched for placeholders."""
    return _PART.sub(lambda found: parts[found[1]], template)


def _inert(text: str) -> str:
    """`text` with each marker pulled apart, so that nobody can end their own turn."""
    return _MARKER.sub(lambda found: " ".join(part for part in found.groups() if part), text)


def _read(name: str) -> str:
    file = bundled("prompts") / f"{name}.txt"
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}; install Otto again") from error


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode(errors="surrogatepass")).hexdigest()[:16]
