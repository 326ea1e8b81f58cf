"""Tools of other MCP servers as skills of Otto's: connections that are kept, and come back when they break.

    # otto.toml
    mcp_servers = ["files: npx -y @modelcontextprotocol/server-filesystem notes", "house: http://127.0.0.1:8123/mcp"]

    servers = Servers(settings.mcp_servers)
    servers.over(snapshot)             # with their tools as skills, and sentences that lead to them
    servers.follow(lambda: …)          # told when tools come or go
    servers.close()

Each server has a task on one background thread. What a server says of itself is not trusted: tools ask for a yes before
they run unless they say that they only read, and their answers are text to be read out, never a command.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import hashlib
import logging
import re
import shlex
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from otto.call import OTHER, Argument
from otto.errors import ConfigError, OttoError, SkillError, shorten
from otto.example import Origin, Problem
from otto.mcp.adopt import adopt, taught
from otto.mcp.seen import Seen
from otto.registry.snapshot import Registered, Snapshot

if TYPE_CHECKING:
    from mcp import Client, types

    from otto.config import Settings

log = logging.getLogger(__name__)

CONNECT_SECONDS = 15.0
"""For a server to start and list its tools."""
LISTED_SECONDS = 5.0
"""For the same where somebody only wants to see the tools."""
RETRY_SECONDS = (1.0, 2.0, 5.0, 15.0, 60.0)
"""Pauses before it is tried again."""
MOST_TOOLS = 200
"""Tools taken from one server."""
LONGEST_ANSWER = 4000
"""Characters of an answer that are passed on."""

_NAMED = re.compile(r"\s*([A-Za-z][A-Za-z0-9_-]{0,31})\s*:\s+(\S.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server is: a program to start, or a URL."""

    name: str
    command: tuple[str, ...] = ()
    url: str = ""


def address(entry: str) -> Address:
    """One entry of the setting `mcp_servers`: `name: program and arguments`, or `name: https://…`.

    Raises `ConfigError`. Plain http only reaches this machine.
    """
    if not (found := _NAMED.fullmatch(entry)):
        raise ConfigError(
            f"mcp_servers: {entry!r} must be written like: files: npx -y some-server, or house: https://…"
        )
    name, rest = found[1], found[2].strip()
    if rest.startswith(("http://", "https://")):
        parts = urlsplit(rest)
        if parts.scheme == "http" and parts.hostname not in ("127.0.0.1", "localhost", "::1"):
            raise ConfigError(f"mcp_servers: {name}: {rest} leaves this machine unencrypted; use https")
        return Address(name, url=rest)
    try:
        return Address(name, tuple(shlex.split(rest)))
    except ValueError as error:
        raise ConfigError(f"mcp_servers: {name}: {error} in {rest!r}") from error


@dataclass
class _Connection:
    """One server, as its task keeps it."""

    address: Address
    client: Client | None = None
    tools: tuple[types.Tool, ...] = ()
    problem: str = "has not answered yet"
    """Why there are no tools; empty while connected."""
    broken: asyncio.Event = field(default_factory=asyncio.Event)
    tried: threading.Event = field(default_factory=threading.Event)


class Servers:
    """Connections to all servers of the settings."""

    def __init__(self, entries: Sequence[str], cache: Path | None = None) -> None:
        """Connects in the background. `cache`: folder in which the names of the tools are kept, to know whose the
        user's sentences are while a server is away.

        Raises `ConfigError`; `OttoError` where the `mcp` package is missing.
        """
        addresses = [address(entry) for entry in entries]
        if len({each.name for each in addresses}) < len(addresses):
            raise ConfigError("mcp_servers: each server needs a name of its own")
        try:
            import mcp  # noqa: F401
        except ImportError as error:
            raise OttoError("mcp_servers needs a package: pip install 'otto-assistant[mcp]'") from error
        self._seen = Seen(cache)
        self._follower: Callable[[], None] | None = None
        self._news = False
        """Whether tools have come or gone since `over` looked."""
        self._connections = {each.name: _Connection(each) for each in addresses}
        self._loop = asyncio.new_event_loop()
        self._closing = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="mcp", daemon=True)
        self._thread.start()

    def wait(self, seconds: float = CONNECT_SECONDS) -> None:
        """Until each server has answered or failed once, at most so long."""
        for connection in self._connections.values():
            connection.tried.wait(seconds)

    def follow(self, changed: Callable[[], None]) -> None:
        """Calls `changed`, on a thread of its own, whenever tools come or go, and if they have since `over`."""
        self._follower = changed
        if self._news:
            self._changed()

    def over(self, snapshot: Snapshot) -> Snapshot:
        """The snapshot with these servers' tools as further skills. Sentences in the user's files go to the tool that
        they are about; while its server is away they wait, and are no skill."""
        self._news = False
        sentences = {name: entry for name, entry in snapshot.skills.items() if name != OTHER and not entry.runnable}
        adopted, problems = self.adopted(frozenset(snapshot.skills.keys() - sentences.keys()))
        skills = dict(snapshot.skills)
        found = list(problems)
        for name, entry in sentences.items():
            if name in adopted:
                adopted[name], wrong = taught(adopted[name], entry)
                found += wrong
            elif server := self._waited_for(name):
                del skills[name]
                message = f"waits for the server {server}, whose tool {name} it is about"
                found += [Problem(Origin(str(file), 0), message, "warning") for file in entry.files]
        skills |= adopted
        whole = "".join([snapshot.hash, *(skills[name].hash for name in sorted(skills))])
        return Snapshot(skills, (*snapshot.problems, *found), hashlib.sha256(whole.encode()).hexdigest()[:16])

    def _waited_for(self, skill: str) -> str:
        """The server that is away and had such a tool when it was last seen; empty where none had."""
        away = [name for name, each in self._connections.items() if each.problem]
        return next((name for name in away if skill in self._seen.of(name)), "")

    def adopted(self, taken: frozenset[str] = frozenset()) -> tuple[dict[str, Registered], tuple[Problem, ...]]:
        """Skills of all connected servers by name, and what is wrong. `taken`: names of skills that there are."""
        skills: dict[str, Registered] = {}
        problems: list[Problem] = []
        for name, connection in self._connections.items():
            if connection.problem:
                problems.append(Problem(Origin(f"mcp:{name}", 0), f"this server {connection.problem}"))
            own: list[str] = []
            for tool in connection.tools:
                made = adopt(name, tool, _Tool(self, name, tool.name), taken | skills.keys())
                problems += made.problems
                if made.registered:
                    skills[made.registered.skill.name] = made.registered
                    own.append(made.registered.skill.name)
            if connection.tools:
                self._seen.keep(name, own)
        return skills, tuple(problems)

    def call(self, server: str, tool: str, arguments: Mapping[str, Argument], seconds: float) -> str:
        """What a tool answers. Raises `SkillError`."""
        connection = self._connections[server]
        if connection.client is None:
            raise SkillError(f"The server {server} {connection.problem or 'is not connected'}.")
        given = {name: list(value) if isinstance(value, tuple) else value for name, value in arguments.items()}
        asked = asyncio.run_coroutine_threadsafe(self._called(connection, tool, given, seconds), self._loop)
        try:
            return asked.result(seconds + 1)
        except concurrent.futures.TimeoutError as error:
            asked.cancel()
            raise SkillError(f"The server {server} took too long.") from error

    def close(self) -> None:
        """Ends all connections and the programs that were started for them."""
        if not self._thread.is_alive():
            return
        self._loop.call_soon_threadsafe(self._closing.set)
        self._thread.join(10)

    def _changed(self) -> None:
        self._news = True
        if self._follower:
            threading.Thread(target=self._follower, name="mcp tools", daemon=True).start()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._kept())
        finally:
            self._loop.close()

    async def _kept(self) -> None:
        tasks = [asyncio.create_task(self._keep(each)) for each in self._connections.values()]
        await self._closing.wait()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _keep(self, connection: _Connection) -> None:
        """Connects, and connects again whenever the connection breaks."""
        failures = 0
        while True:
            connection.broken.clear()
            try:
                await self._connected(connection)
                failures = 0
            except Exception as error:  # skills are being loaded from a stranger, who may fail in any way
                connection.problem = f"cannot be reached: {shorten(_reason(error), 200)}"
                log.warning("MCP server %s %s", connection.address.name, connection.problem)
            connection.client = None
            if connection.tools:
                connection.tools = ()
                self._changed()
            connection.tried.set()
            await asyncio.sleep(RETRY_SECONDS[min(failures, len(RETRY_SECONDS) - 1)])
            failures += 1

    async def _connected(self, connection: _Connection) -> None:
        from mcp import Client

        async with Client(_transport(connection.address)) as client:
            async with asyncio.timeout(CONNECT_SECONDS):
                connection.tools = await _listed(client)
            connection.client, connection.problem = client, ""
            connection.tried.set()
            self._changed()
            await connection.broken.wait()
        connection.problem = "has gone; it is asked again soon"

    async def _called(self, connection: _Connection, tool: str, arguments: dict[str, Any], seconds: float) -> str:
        from mcp import MCPError

        assert connection.client is not None
        name = connection.address.name
        try:
            async with asyncio.timeout(seconds):
                result = await connection.client.call_tool(tool, arguments)
        except TimeoutError as error:
            raise SkillError(f"The server {name} took too long.") from error
        except (MCPError, OSError, RuntimeError) as error:
            connection.broken.set()
            raise SkillError(f"The server {name} did not answer: {shorten(str(error), 200)}") from error
        text = "\n".join(block.text for block in result.content if block.type == "text").strip()
        if result.is_error:
            raise SkillError(f"The server {name} says: {shorten(text, 300) or 'that did not work'}")
        return shorten(text, LONGEST_ANSWER) or "Done."


def with_tools(snapshot: Snapshot, settings: Settings, seconds: float = LISTED_SECONDS) -> Snapshot:
    """The snapshot with the tools of the servers that the settings name, for whoever only looks. Raises `OttoError`."""
    if not settings.mcp_servers:
        return snapshot
    servers = Servers(settings.mcp_servers, settings.cache_folder)
    try:
        servers.wait(seconds)
        return servers.over(snapshot)
    finally:
        servers.close()


def without_sentences(snapshot: Snapshot, settings: Settings) -> Snapshot:
    """The snapshot without skills that are only sentences about a tool which a server of the settings had when it was
    last seen: for whoever looks at files and asks no server."""
    seen = Seen(settings.cache_folder)
    names = {name for entry in settings.mcp_servers for name in seen.of(address(entry).name)}
    kept = {name: entry for name, entry in snapshot.skills.items() if entry.runnable or name not in names}
    return Snapshot(kept, snapshot.problems, snapshot.hash)


@dataclass(frozen=True, slots=True)
class _Tool:
    """One tool at one server: what carries a skill's call out."""

    servers: Servers
    server: str
    tool: str

    def call(self, arguments: Mapping[str, Argument], seconds: float) -> str:
        return self.servers.call(self.server, self.tool, arguments, seconds)


async def _listed(client: Client) -> tuple[types.Tool, ...]:
    """All pages of the server's list."""
    tools: list[types.Tool] = []
    cursor: str | None = None
    while len(tools) < MOST_TOOLS:
        page = await client.list_tools(cursor=cursor)
        tools += page.tools
        if not (cursor := page.next_cursor):
            break
    return tuple(tools[:MOST_TOOLS])


def _transport(address: Address) -> Any:
    from mcp import StdioServerParameters

    if address.url:
        return address.url
    # Without an environment of its own it gets PATH, HOME and the like, but none of the user's keys.
    return StdioServerParameters(command=address.command[0], args=list(address.command[1:]))


def _reason(error: BaseException) -> str:
    """The innermost reason of a group of errors."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return str(error) or type(error).__name__
