"""The shapes of `/v1/…`, as programs that speak OpenAI's API send and expect them.

What is sent may hold more than Otto looks at: a program written for another server says things that mean nothing here
(a temperature), and they are let pass.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class _Sent(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True)


class Part(_Sent):
    type: str
    text: str = ""


class ChatMessage(_Sent):
    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[Part] | None = None

    @property
    def text(self) -> str:
        """What it says; pictures and sound in it are not looked at."""
        if isinstance(self.content, str):
            return self.content
        return " ".join(part.text for part in self.content or () if part.type == "text")


class Function(_Sent):
    name: str = Field(min_length=1, max_length=128)
    description: str | None = None
    parameters: dict[str, Any] | None = None


class ToolGiven(_Sent):
    type: Literal["function"]
    function: Function


class Named(_Sent):
    name: str


class Choice(_Sent):
    type: Literal["function"]
    function: Named


class StreamOptions(_Sent):
    include_usage: bool = False


class Chat(_Sent):
    model: str = ""
    messages: list[ChatMessage] = Field(min_length=1, max_length=1000)
    tools: list[ToolGiven] | None = Field(None, max_length=128)
    tool_choice: Literal["none", "auto", "required"] | Choice | None = None
    stream: bool | None = False
    stream_options: StreamOptions | None = None


class Speech(_Sent):
    input: Annotated[str, Field(min_length=1, max_length=4096, pattern=r"\S")]
    model: str = ""
    voice: str | dict[str, Any] = Field(
        "", description="Otto speaks with the voice of its settings, whatever this says."
    )
    response_format: Literal["wav", "pcm"] = Field("wav", description="pcm: 24 kHz, 16 bit, mono.")


class TranscriptionForm(BaseModel):
    """The fields of the form."""

    file: bytes = Field(json_schema_extra={"format": "binary"}, description="WAV, FLAC or OGG, at most 15 s.")
    model: str = ""
    language: str = ""
    response_format: Literal["json", "text", "verbose_json"] = "json"


class FunctionCalled(BaseModel):
    name: str
    arguments: str = Field(description="A JSON object.")


class ToolCalled(BaseModel):
    id: str
    type: Literal["function"] = "function"
    function: FunctionCalled


class Written(BaseModel):
    role: Literal["assistant"] = "assistant"
    content: str | None = None
    tool_calls: list[ToolCalled] | None = None


class Chosen(BaseModel):
    index: int = 0
    message: Written
    finish_reason: Literal["stop", "tool_calls"]


class Usage(BaseModel):
    """No language model reads anything here: there are no tokens."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0


class Completion(BaseModel):
    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[Chosen]
    usage: Usage = Usage()


class Model(BaseModel):
    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str = "otto"


class Models(BaseModel):
    object: Literal["list"] = "list"
    data: list[Model]


class Transcription(BaseModel):
    text: str


class TranscriptionWhole(Transcription):
    task: Literal["transcribe"] = "transcribe"
    language: str
    duration: float
    segments: list[dict[str, Any]]


class Trouble(BaseModel):
    message: str
    type: str
    param: str | None
    code: str | None


class Failure(BaseModel):
    error: Trouble
