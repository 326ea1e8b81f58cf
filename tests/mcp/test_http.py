"""Otto's skills over HTTP: the real client against the real service, behind its guard."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import httpx
import httpx2
import pytest
from mcp import Client, types
from mcp.client.streamable_http import streamable_http_client

from otto.config import Settings
from otto.service.run import Server


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, trained: Path) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("mcp")
    settings = Settings(config_folder=folder, state_folder=folder, cache_folder=trained / "otto", voice="none")
    running = Server(settings, port=0, path=folder / "s.sock")
    ready = threading.Event()
    thread = threading.Thread(target=running.run, args=(ready.set,))
    thread.start()
    assert ready.wait(60)
    yield running
    running.stop()
    thread.join(15)
    assert not thread.is_alive()


def test_a_host_with_the_token_lists_and_calls(service: Server) -> None:
    async def talk() -> tuple[list[str], Any]:
        headers = {"Authorization": f"Bearer {service.service.token.secret}"}
        async with httpx2.AsyncClient(headers=headers, timeout=30) as http:
            transport = streamable_http_client(f"http://127.0.0.1:{service.port}/mcp", http_client=http)
            async with Client(transport) as client:
                names = [tool.name for tool in (await client.list_tools()).tools]
                return names, await client.call_tool("math", {"question": "6*7"})

    names, answer = anyio.run(talk)
    assert {"timer", "weather", "lock"} <= set(names)
    assert isinstance(answer, types.CallToolResult)
    assert not answer.is_error
    assert "42" in str(answer.content[0])


def test_a_risky_call_without_a_person_to_ask_is_refused(service: Server) -> None:
    async def talk() -> types.CallToolResult:
        headers = {"Authorization": f"Bearer {service.service.token.secret}"}
        async with httpx2.AsyncClient(headers=headers, timeout=30) as http:
            transport = streamable_http_client(f"http://127.0.0.1:{service.port}/mcp", http_client=http)
            async with Client(transport) as client:
                return await client.call_tool("lock", {})

    refused = anyio.run(talk)
    assert refused.is_error
    assert "nobody said yes" in str(refused.content[0])


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Authorization": "TOKEN", "Origin": "https://evil.example"}, 403),
        ({"Authorization": "TOKEN", "Host": "evil.example"}, 421),
        ({"Authorization": "TOKEN", "Content-Type": "text/plain"}, 415),
    ],
)
def test_nobody_else_gets_in(service: Server, headers: dict[str, str], status: int) -> None:
    token = f"Bearer {service.service.token.secret}"
    sent = {
        "Content-Type": "application/json",
        **{name: value.replace("TOKEN", token) for name, value in headers.items()},
    }
    asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    answer = httpx.post(f"http://127.0.0.1:{service.port}/mcp", json=asked, headers=sent)
    assert answer.status_code == status
