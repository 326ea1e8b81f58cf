"""`/v1/…`, with the real client of OpenAI."""

from __future__ import annotations

import io
import json
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from otto.audio.tts import find_voice
from otto.service.run import Server

SPEECH = Path(__file__).parent.parent / "data" / "speech"
speaking = pytest.mark.skipif(find_voice() is None, reason="needs espeak-ng")

WEATHER = {
    "type": "function",
    "function": {
        "name": "get-current-weather",
        "description": "Get the current weather in a given location",
        "parameters": {
            "type": "object",
            "properties": {
                "location": {"type": "string", "description": "The city, e.g. San Francisco"},
                "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
            },
            "required": ["location"],
        },
    },
}
HEATING = {
    "type": "function",
    "function": {
        "name": "set_thermostat",
        "description": "Sets the temperature of a room.",
        "parameters": {
            "type": "object",
            "properties": {"room": {"type": "string", "enum": ["kitchen", "bedroom"]}, "degrees": {"type": "number"}},
            "required": ["degrees"],
        },
    },
}
TOOLS: Any = [WEATHER, HEATING]


@pytest.fixture(scope="module")
def otto(server: Server) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(
        base_url=f"http://127.0.0.1:{server.port}/v1",
        api_key=server.service.token.secret,
        max_retries=0,
        timeout=60,
        http_client=httpx.Client(trust_env=False),
    ) as client:
        yield client


def says(otto: openai.OpenAI, *texts: str, **more: Any) -> Any:
    """`texts`: what the user, the assistant, the user … said."""
    roles = ("user", "assistant")
    messages: Any = [{"role": roles[place % 2], "content": text} for place, text in enumerate(texts)]
    return otto.chat.completions.create(model="otto", messages=messages, **more)


def test_there_is_one_model(otto: openai.OpenAI) -> None:
    assert [model.id for model in otto.models.list()] == ["otto"]


def test_a_message_is_a_command(otto: openai.OpenAI) -> None:
    answer = says(otto, "paint the old door")
    assert answer.choices[0].message.content == "Painted old door."
    assert answer.choices[0].finish_reason == "stop" and answer.usage.total_tokens == 0


def test_a_reply_can_be_streamed(otto: openai.OpenAI) -> None:
    stream = says(otto, "paint the old door", stream=True, stream_options={"include_usage": True})
    chunks = list(stream)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == "Painted old door."
    assert chunks[-1].usage is not None and chunks[-2].choices[0].finish_reason == "stop"


def test_a_risky_command_is_done_after_a_yes_in_the_same_conversation(otto: openai.OpenAI) -> None:
    question = says(otto, "crush the old car").choices[0].message.content
    assert question == "Shall I run crush, old car?"
    elsewhere = says(otto, "hello", question, "yes").choices[0].message.content
    assert "Crushed" not in elsewhere, "nobody asked in that conversation"
    done = says(otto, "crush the old car", question, "yes please")
    assert done.choices[0].message.content == "Crushed old car."
    again = says(otto, "crush the old car", question, "yes").choices[0].message.content
    assert "Crushed" not in again, "a yes counts once"


def test_tools_are_called_by_their_own_names(otto: openai.OpenAI) -> None:
    answer = says(otto, "what's the weather like in Boston today?", tools=TOOLS)
    (call,) = answer.choices[0].message.tool_calls
    assert call.function.name == "get-current-weather"
    assert json.loads(call.function.arguments) == {"location": "Boston"}
    assert answer.choices[0].finish_reason == "tool_calls"


def test_arguments_have_the_types_of_the_schema(otto: openai.OpenAI) -> None:
    (call,) = says(otto, "set the temperature to 21", tools=TOOLS).choices[0].message.tool_calls
    assert json.loads(call.function.arguments) == {"degrees": 21}


def test_tool_calls_can_be_streamed(otto: openai.OpenAI) -> None:
    made: dict[str, str] = {}
    for chunk in says(otto, "weather in paris please", tools=TOOLS, stream=True):
        for call in chunk.choices[0].delta.tool_calls or ():
            made[call.function.name] = call.function.arguments
    assert {name: json.loads(arguments) for name, arguments in made.items()} == {
        "get-current-weather": {"location": "paris"}
    }


def test_what_no_tool_does_is_not_done_by_otto(otto: openai.OpenAI, server: Server) -> None:
    before = server.service.otto.store.history.last(1)
    answer = says(otto, "paint the old door", tools=TOOLS)
    assert answer.choices[0].message.tool_calls is None and answer.choices[0].message.content
    assert server.service.otto.store.history.last(1) == before


def test_the_result_of_a_tool_is_the_reply(otto: openai.OpenAI) -> None:
    messages: Any = [
        {"role": "user", "content": "weather in paris"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": "1", "type": "function", "function": {"name": "get-current-weather", "arguments": "{}"}}
            ],
        },
        {"role": "tool", "tool_call_id": "1", "content": "18 degrees in Paris."},
    ]
    answer = otto.chat.completions.create(model="otto", messages=messages, tools=TOOLS)
    assert answer.choices[0].message.content == "18 degrees in Paris."


def test_a_tool_can_be_demanded(otto: openai.OpenAI) -> None:
    wanted: Any = {"type": "function", "function": {"name": "set_thermostat"}}
    answer = says(otto, "19 degrees", tools=TOOLS, tool_choice=wanted)
    (call,) = answer.choices[0].message.tool_calls
    assert call.function.name == "set_thermostat" and json.loads(call.function.arguments)["degrees"] == 19


def test_what_a_tool_lacks_is_asked_for(otto: openai.OpenAI) -> None:
    wanted: Any = {"type": "function", "function": {"name": "set_thermostat"}}
    answer = says(otto, "set the temperature", tools=TOOLS, tool_choice=wanted)
    assert answer.choices[0].message.content == "Which degrees?"


def test_mistakes_have_the_shape_that_the_client_knows(otto: openai.OpenAI, server: Server) -> None:
    with pytest.raises(openai.UnprocessableEntityError, match="last message"):
        says(otto, "hello", "hello")
    with pytest.raises(openai.UnprocessableEntityError, match="tool_choice"):
        choice: Any = {"type": "function", "function": {"name": "fly"}}
        says(otto, "hello", tools=TOOLS, tool_choice=choice)
    with pytest.raises(openai.AuthenticationError, match="token"):
        otto.with_options(api_key="wrong").models.list()


def test_a_recording_is_transcribed(otto: openai.OpenAI) -> None:
    pytest.importorskip("pocketsphinx")
    with (SPEECH / "timer.flac").open("rb") as file:
        assert isinstance(otto.audio.transcriptions.create(model="whisper-1", file=file).text, str)
        file.seek(0)
        whole = otto.audio.transcriptions.create(model="whisper-1", file=file, response_format="verbose_json")
        assert whole.duration > 0.5 and whole.language == "en"
    with pytest.raises(openai.UnprocessableEntityError, match="sound file"):
        otto.audio.transcriptions.create(model="whisper-1", file=("a.wav", b"no sound"))
    with pytest.raises(openai.UnprocessableEntityError, match="response_format"):
        otto.audio.transcriptions.create(model="whisper-1", file=("a.wav", b"no sound"), response_format="srt")


@speaking
def test_a_text_is_read_out(otto: openai.OpenAI) -> None:
    with wave.open(io.BytesIO(otto.audio.speech.create(model="tts-1", voice="alloy", input="Hello.").content)) as file:
        assert file.getnchannels() == 1 and file.getnframes() / file.getframerate() > 0.2
        seconds = file.getnframes() / file.getframerate()
    samples = otto.audio.speech.create(model="tts-1", voice="alloy", input="Hello.", response_format="pcm").content
    assert abs(len(samples) / 48_000 - seconds) < 0.01
    with pytest.raises(openai.UnprocessableEntityError):
        otto.audio.speech.create(model="tts-1", voice="alloy", input=" ")
