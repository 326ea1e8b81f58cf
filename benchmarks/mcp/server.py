"""One of the sets of tools beside this file as a real MCP server: `python server.py house.json [PORT]`.

Without a port it speaks over its pipes. Every tool answers "Done.".
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from mcp import types
from mcp.server import Server
from mcp.server.stdio import stdio_server


def server(path: Path) -> Server[Any]:
    """The server of one file."""
    given = json.loads(path.read_text(encoding="utf-8"))
    tools = [
        types.Tool(
            name=each["name"],
            title=each.get("title"),
            description=each["description"],
            input_schema=each["inputSchema"],
            annotations=types.ToolAnnotations(read_only_hint=each["readOnly"]),
        )
        for each in given["tools"]
    ]

    async def listed(context: object, params: object) -> types.ListToolsResult:
        return types.ListToolsResult(tools=tools)

    async def called(context: object, params: object) -> types.CallToolResult:
        return types.CallToolResult(content=[types.TextContent(text="Done.")])

    return Server(given["server"], on_list_tools=listed, on_call_tool=called)


async def over_pipes(path: Path) -> None:
    """Answers until the other side closes them."""
    serving = server(path)
    async with stdio_server() as (read, write):
        await serving.run(read, write, serving.create_initialization_options())


def over_http(path: Path, port: int) -> None:
    """Answers on loopback, at `/mcp`."""
    import uvicorn

    uvicorn.run(server(path).streamable_http_app(stateless_http=True), port=port, log_level="error")


if __name__ == "__main__":
    file = Path(__file__).parent / sys.argv[1]
    if len(sys.argv) > 2:
        over_http(file, int(sys.argv[2]))
    else:
        asyncio.run(over_pipes(file))
