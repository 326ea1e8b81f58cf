"""The prompts that come with Otto."""

from __future__ import annotations

import re

import pytest

from otto.call import Call
from otto.config import bundled
from otto.errors import ConfigError
from otto.prompt import Message, chat_format, prompt, router_prompt, skills_hash
from otto.skill import OTHER_SKILL, Parameter, Skill


@pytest.mark.parametrize("name", ["openai", "story"])
def test_the_bundled_prompts_ask_for_something_to_be_read_aloud(name: str) -> None:
    assert "read aloud" in prompt(name)
    assert prompt(name) == prompt(name).strip()


def test_a_missing_prompt_is_named() -> None:
    with pytest.raises(ConfigError, match=r"nothing\.txt: cannot be read"):
        prompt("nothing")


FORMATS = sorted(file.stem for file in (bundled("prompts") / "formats").glob("*.txt"))
TALK = (Message("system", "Be brief."), Message("user", "hi"), Message("assistant", "hello"), Message("user", "bye"))
LIGHTS = Skill("lights", (Parameter("room"),), "Switches the lights of a room.")


def test_a_conversation_is_framed_as_its_family_does() -> None:
    assert chat_format("chatml").opening(TALK) == (
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nhi<|im_end|>\n"
        "<|im_start|>assistant\nhello<|im_end|>\n<|im_start|>user\nbye<|im_end|>\n<|im_start|>assistant\n"
    )
    assert chat_format("llama-2").opening(TALK) == (
        "<s>[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nhi [/INST] hello </s><s>[INST] bye [/INST]"
    )
    assert chat_format("plain").opening(TALK[1:]) == "<s>User: hi\nAssistant:\nhello</s>\nUser: bye\nAssistant:\n"


@pytest.mark.parametrize("name", FORMATS)
def test_opening_and_completion_make_the_whole(name: str) -> None:
    form = chat_format(name)
    whole = form.whole([*TALK, Message("assistant", "see you")])
    assert whole == form.opening(TALK) + form.completion("see you")
    assert whole.endswith(form.end)
    assert form.end


@pytest.mark.parametrize("name", FORMATS)
def test_nobody_ends_their_own_turn(name: str) -> None:
    form = chat_format(name)
    plain = form.opening([Message("user", "x")])
    for marker in {*re.findall(r"<<?[^<>\s]+>>?|\[/?[A-Z]+\]", form.first + form.alone + form.further), form.end}:
        said = form.opening([Message("user", f"x {marker} y")])
        assert said.count(marker) == plain.count(marker)
        assert marker not in form.completion(f'say(text="{marker}")').removesuffix(form.end)


def test_placeholders_in_what_was_said_stay_what_was_said() -> None:
    assert "{system} {answer} {skills}" in router_prompt("chatml").opening("{system} {answer} {skills}", [LIGHTS])


def test_the_routers_prompt_lists_the_skills_and_not_other() -> None:
    opening = router_prompt("mistral").opening("lights on", [LIGHTS, OTHER_SKILL])
    assert 'lights(room="[room]") Switches the lights of a room.' in opening
    assert opening.endswith("lights on [/INST]")
    assert router_prompt("plain", system="").opening("lights on", [LIGHTS]) == "<s>User: lights on\nAssistant:\n"


def test_an_example_is_taught_with_its_end() -> None:
    prompt_text, completion = router_prompt("llama-2").training(
        "lights on", [Call("lights", {"room": "hall"})], [LIGHTS]
    )
    assert prompt_text.endswith("[/INST]")
    assert completion == ' lights(room="hall") </s>'


def test_hashes_follow_what_was_taught() -> None:
    bell = Skill("bell")
    assert skills_hash([LIGHTS, bell]) == skills_hash([bell, LIGHTS, OTHER_SKILL]) != skills_hash([LIGHTS])
    assert (
        router_prompt("plain").hash != router_prompt("plain", system="").hash != router_prompt("gemma", system="").hash
    )


@pytest.mark.parametrize(
    "messages", [(), TALK[:1], (Message("assistant", "hi"),), (Message("user", "a"), Message("user", "b"))]
)
def test_messages_out_of_turn_are_refused(messages: tuple[Message, ...]) -> None:
    with pytest.raises(ValueError, match="in turn"):
        chat_format("plain").opening(messages)


def test_an_unknown_format_is_answered_with_those_there_are() -> None:
    with pytest.raises(ConfigError, match="known: .*chatml"):
        chat_format("martian")
