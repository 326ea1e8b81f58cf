"""Settings and folders: their only owner.

`load()` reads `otto.toml` in `$XDG_CONFIG_HOME/otto`, then `OTTO_*` environment variables over it, then what the
command line gives over both. A setting that is unknown, of the wrong type or out of range is refused with its name
and where it was set. `table()` makes the documentation's table from the dataclass, so the two cannot differ.

    # ~/.config/otto/otto.toml
    home = "Hamburg"
    openai_model = "llama-3.2-3b"
    hidden = ["news"]
"""

from __future__ import annotations

import dataclasses
import math
import os
import tomllib
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from otto.errors import ConfigError


def _folder(kind: str) -> Path:
    """`$XDG_<KIND>_HOME/otto`, or where the system keeps such files."""
    if named := os.environ.get(f"XDG_{kind.upper()}_HOME"):
        return Path(named) / "otto"
    import platformdirs

    return Path(getattr(platformdirs, f"user_{kind}_dir")("otto", appauthor=False))


@dataclass(frozen=True, slots=True)
class Says:
    """What a setting means, and between what it must lie."""

    text: str
    low: float = -math.inf
    high: float = math.inf


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that can be set."""

    home: Annotated[str, Says("Place for weather and time when none is said.")] = ""
    units: Annotated[Literal["metric", "imperial"], Says("Units that weather is told in.")] = "metric"
    history: Annotated[bool, Says("Keep what was said and done (the last 1,000 commands).")] = True
    store_url: Annotated[
        str, Says("PostgreSQL store that several Ottos share, `postgresql://user@host/name`; empty: a file.")
    ] = ""
    hidden: Annotated[
        tuple[str, ...],
        Says("Skills that are never called. The coach is one until you have set `coach_models` and take it out."),
    ] = ("coach",)
    trusted: Annotated[tuple[str, ...], Says("Skills that run without the yes that they would ask for.")] = ()
    restart: Annotated[tuple[str, ...], Says("Skills whose new command takes the place of one still under way.")] = (
        "coach",
        "news",
        "openai",
        "story",
        "weather",
    )
    single: Annotated[tuple[str, ...], Says("Skills whose command is refused while one is under way.")] = ()
    deadline_seconds: Annotated[float, Says("A skill that takes longer is ended.", 0.1, 600)] = 10.0
    memory_mb: Annotated[int, Says("Memory a skill may take.", 64, 65536)] = 512
    router: Annotated[
        Literal["auto", "fewshot", "llama", "transformers", "openai", "cascade"],
        Says("What understands; `auto`: `fewshot`, and a model behind it where `otto calibrate` found that it helps."),
    ] = "auto"
    router_model: Annotated[
        str, Says("Model for `llama` (a GGUF file) and `transformers` (a folder); empty: the one that Otto brings.")
    ] = ""
    router_adapter: Annotated[str, Says("LoRA adapter for it: a GGUF file, or a folder with safetensors.")] = ""
    llama_context: Annotated[int, Says("Tokens of prompt and answer for `llama`.", 256, 1_000_000)] = 4096
    llama_threads: Annotated[int, Says("Threads of `llama`; 0: as many as suit the model.", 0, 256)] = 0
    router_endpoint: Annotated[
        str, Says("OpenAI-compatible server that `openai` asks, `http://localhost:8000/v1`; empty: `OPENAI_BASE_URL`.")
    ] = ""
    router_endpoint_model: Annotated[str, Says("Model at that server; in a cascade empty means: no server.")] = ""
    router_style: Annotated[
        Literal["tools", "chat", "text"],
        Says("How it is asked: with native tool calls, with messages, or with Otto's own framing of the prompt."),
    ] = "tools"
    router_format: Annotated[
        str, Says("Framing of prompts for a model without a card: `chatml`, `gemma`, `llama-2`, `llama-3`, `mistral`.")
    ] = "chatml"
    router_seconds: Annotated[
        float, Says("Models take at most this long for a command; then what is understood so far counts.", 0.1, 60)
    ] = 1.5
    wrong_cost: Annotated[float, Says("What a wrong answer costs, for `otto calibrate`.", 0, 1e6)] = 10.0
    wait_cost: Annotated[float, Says("What a second of waiting costs.", 0, 1e6)] = 1.0
    price_in: Annotated[
        float, Says("Price of a million tokens sent to the server; the trace says the cost.", 0, 1e6)
    ] = 0.0
    price_out: Annotated[float, Says("Price of a million tokens that it writes.", 0, 1e6)] = 0.0
    openai_model: Annotated[str, Says("Model that `openai` and `story` ask, at `OPENAI_BASE_URL`.")] = ""
    coach_models: Annotated[
        tuple[str, ...],
        Says(
            "Models that coach: `name: model @ http://localhost:8000/v1`; empty: `openai_model` at `OPENAI_BASE_URL`."
        ),
    ] = ()
    news_feeds: Annotated[tuple[str, ...], Says("RSS feeds for news without a topic.")] = (
        "https://feeds.bbci.co.uk/news/rss.xml",
        "https://feeds.npr.org/1001/rss.xml",
    )
    news_search: Annotated[str, Says("RSS feed for news on a topic; `{topic}` stands for it.")] = (
        "https://news.google.com/rss/search?q={topic}&hl=en-US&gl=US&ceid=US:en"
    )
    mqtt_broker: Annotated[str, Says("Where `publish:` actions go, `host:port`.")] = "127.0.0.1:1883"
    mcp_servers: Annotated[
        tuple[str, ...],
        Says("MCP servers whose tools become skills: `name: program and arguments`, or `name: https://…`."),
    ] = ()
    microphone: Annotated[str, Says("Part of the microphone's name; empty: the system's default.")] = ""
    attention: Annotated[
        Literal["wake", "always", "push"],
        Says("When speech is meant for Otto: after the wake phrase, always, or between `otto daemon begin` and `end`."),
    ] = "wake"
    wake_phrases: Annotated[tuple[str, ...], Says("What a command begins with.")] = (
        "otto",
        "hey otto",
    )
    stt: Annotated[
        Literal["auto", "sphinx", "whisper", "openai"],
        Says("What transcribes; `auto`: Whisper where its model is on this machine, else Sphinx."),
    ] = "auto"
    whisper_model: Annotated[str, Says("Whisper model: a size, a Hugging Face name, or a folder.")] = "base.en"
    whisper_compute: Annotated[str, Says("How Whisper calculates: `int8`, `int8_float16`, `float16`, `float32`.")] = (
        "int8"
    )
    stt_model: Annotated[str, Says('Model for `stt = "openai"`, at `OPENAI_BASE_URL`.')] = ""
    hangover_seconds: Annotated[float, Says("Silence after which somebody has finished speaking.", 0.3, 3)] = 0.6
    voice: Annotated[str, Says("Who speaks: `auto`, `none`, `espeak-ng`, `say`, or a Piper voice's file.")] = "auto"
    log_level: Annotated[Literal["debug", "info", "warning", "error"], Says("What is written to the log.")] = "warning"
    config_folder: Annotated[Path, Says("`otto.toml`, and the user's `skills/` and `examples/`.")] = field(
        default_factory=lambda: _folder("config")
    )
    state_folder: Annotated[Path, Says("The store and the log.")] = field(default_factory=lambda: _folder("state"))
    models_folder: Annotated[Path, Says("Models that `otto models` gets.")] = field(
        default_factory=lambda: _folder("data") / "models"
    )
    cache_folder: Annotated[Path, Says("What can be made again.")] = field(default_factory=lambda: _folder("cache"))

    @property
    def library(self) -> Path:
        """The documents that the coach may quote."""
        return self.state_folder / "library.db"

    @property
    def database(self) -> Path | str:
        """The store: its file, or the URL of a shared one."""
        return self.store_url or self.state_folder / "otto.db"


@dataclass(frozen=True, slots=True)
class Folders:
    """Where skills come from; later folders are laid over earlier ones."""

    examples: tuple[Path, ...]
    skills: tuple[Path, ...]
    other: Path | None = None
    """An example file from elsewhere of what no skill is for: who knows commands alone takes everything for one."""

    def yours(self) -> list[Path]:
        """The files in folders that did not come with Otto."""
        own = [each for each in (*self.examples, *self.skills) if not is_bundled(each) and each.is_dir()]
        return [path for folder in own for path in sorted(folder.iterdir()) if path.is_file()]


def bundled(name: str) -> Path:
    """The folder `examples`, `skills` or `prompts` that came with Otto: in a wheel, or at the top of a checkout."""
    package = Path(__file__).parent
    inside = package / "bundled" / name
    return inside if inside.is_dir() else package.parent / name


def is_bundled(folder: Path) -> bool:
    """Whether skills in this folder came with Otto."""
    return folder in (bundled("examples"), bundled("skills"))


def folders(settings: Settings, examples: Path | None = None, skills: Path | None = None) -> Folders:
    """The bundled folders with the user's over them; a folder named on the command line replaces both, but for the
    sentences that no skill is for."""
    return Folders(
        (examples,) if examples else (bundled("examples"), settings.config_folder / "examples"),
        (skills,) if skills else (bundled("skills"), settings.config_folder / "skills"),
        bundled("examples") / "other_examples.txt" if examples else None,
    )


def load(
    options: Mapping[str, object] | None = None, environment: Mapping[str, str] = os.environ, file: Path | None = None
) -> Settings:
    """The settings in force. Raises `ConfigError` naming the key and where it was set.

    `options`: values from the command line by setting name; None means not given.
    """
    path = file or Path(environment.get("OTTO_CONFIG", "") or _folder("config") / "otto.toml")
    values: dict[str, Any] = {}
    for origin, name, value in _given(path, environment, options or {}):
        if name not in FIELDS:
            raise ConfigError(f"{origin}: there is no setting {name!r}; {_meant(name)}")
        values[name] = _checked(FIELDS[name], value, origin)
    return Settings(**values)


def _meant(name: str) -> str:
    """Which settings may have been meant."""
    from difflib import get_close_matches

    alike = get_close_matches(name, FIELDS, n=3)
    return f"did you mean {' or '.join(alike)}?" if alike else f"known: {', '.join(FIELDS)}"


def _given(
    path: Path, environment: Mapping[str, str], options: Mapping[str, object]
) -> Iterator[tuple[str, str, object]]:
    """(where it was set, name, value), the weakest first."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        content = {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        hint = 'write name = "text", name = 2, name = true or name = ["one", "two"]'
        raise ConfigError(f"{path}: not valid TOML: {error}; {hint}") from error
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    for name, value in content.items():
        yield str(path), name, value
    for variable, text in environment.items():
        name = variable.removeprefix("OTTO_").lower()
        if variable.startswith("OTTO_") and name in FIELDS:
            yield f"environment variable {variable}", name, text
    for name, value in options.items():
        if value is not None:
            yield f"option --{name.replace('_', '-')}", name, value


FIELDS: Mapping[str, dataclasses.Field[Any]] = {each.name: each for each in dataclasses.fields(Settings)}
_HINTS = typing.get_type_hints(Settings)
_SAYS: Mapping[str, Says] = {
    name: hint.__metadata__[0] for name, hint in typing.get_type_hints(Settings, include_extras=True).items()
}


def _checked(setting: dataclasses.Field[Any], value: object, origin: str) -> object:
    kind = _HINTS[setting.name]
    wrong = ConfigError(f"{origin}: {setting.name} must be {_kind(kind)}, not {value!r}")
    if typing.get_origin(kind) is Literal:
        if value not in typing.get_args(kind):
            raise wrong
        return value
    if typing.get_origin(kind) is tuple:
        items = [item.strip() for item in value.split(",") if item.strip()] if isinstance(value, str) else value
        if not isinstance(items, (list, tuple)) or not all(isinstance(item, str) for item in items):
            raise wrong
        return tuple(items)
    read = _READERS[kind](value)
    if read is None:
        raise wrong
    says = _SAYS[setting.name]
    if isinstance(read, (int, float)) and not says.low <= read <= says.high:
        raise ConfigError(f"{origin}: {setting.name} must lie between {says.low:g} and {says.high:g}, not {value!r}")
    return read


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _path(value: object) -> Path | None:
    return Path(value).expanduser() if isinstance(value, (str, Path)) and str(value) else None


def _boolean(value: object) -> bool | None:
    if isinstance(value, bool):
        return value
    words = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    return words.get(value.lower()) if isinstance(value, str) else None


def _number(value: object) -> float | None:
    try:
        return None if isinstance(value, bool) or not isinstance(value, (int, float, str)) else float(value)
    except ValueError:
        return None


def _integer(value: object) -> int | None:
    number = _number(value)
    return int(number) if number is not None and number == number // 1 else None


_READERS: Mapping[Any, Callable[[object], Any]] = {
    str: _text, Path: _path, bool: _boolean, float: _number, int: _integer
}  # fmt: skip


def _kind(kind: Any) -> str:
    if typing.get_origin(kind) is Literal:
        return "one of " + ", ".join(map(repr, typing.get_args(kind)))
    if typing.get_origin(kind) is tuple:
        return "a list of texts"
    return {str: "a text", Path: "a path", bool: "true or false", float: "a number", int: "a whole number"}[kind]


def table() -> str:
    """The settings as a Markdown table: name, default, meaning."""
    rows = ["| setting | default | meaning |", "|---|---|---|"]
    for name, setting in FIELDS.items():
        default = "by the system" if setting.default is dataclasses.MISSING else f"`{_toml(setting.default)}`"
        rows.append(f"| `{name}` | {default} | {_SAYS[name].text} |")
    return "\n".join(rows)


def _toml(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case tuple():
            return f"[{', '.join(_toml(item) for item in value)}]"
        case str():
            return f'"{value}"'
        case _:
            return str(value)
