"""A real MCP server for the tests: a greenhouse. `python greenhouse.py [PORT] [EXTRA]`: over HTTP on that port, 0 or
nothing: over its pipes; EXTRA: so many further tools."""

from __future__ import annotations

import os
import sys
import time

from mcp import types
from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import BaseModel

server = MCPServer("greenhouse")


class Bed(BaseModel):
    row: int


@server.tool(annotations=types.ToolAnnotations(read_only_hint=True))
def soil_moisture(bed: str) -> str:
    """Tells how wet the soil of a bed is."""
    return f"The soil of {bed} is damp."


@server.tool()
def water_plants(bed: str, minutes: int | None = None) -> str:
    """Waters the plants of a bed. With minutes, for so long."""
    return f"Watering {bed} for {minutes or 5} minutes."


@server.tool()
def plough(bed: Bed) -> str:
    """Ploughs a bed."""
    return "Done."


@server.tool(annotations=types.ToolAnnotations(read_only_hint=True))
def count_aphids(seconds: float = 0.0) -> str:
    """Counts the aphids."""
    time.sleep(seconds)
    raise ToolError("there are too many aphids")


@server.tool(annotations=types.ToolAnnotations(read_only_hint=True))
def burn_down() -> str:
    """Ends the server in the middle of an answer."""
    os._exit(1)


def add(count: int) -> None:
    things = ["lamp", "fan", "window", "heater", "pump", "curtain", "sprinkler", "mister", "valve", "camera"]
    verbs = ["inspect", "calibrate", "polish", "rotate", "label"]
    for number in range(count):
        verb, thing = verbs[number // 10 % 5], things[number % 10]

        def tool(label: str = "") -> str:
            return "Done."

        server.add_tool(tool, name=f"{verb}_{thing}", description=f"{verb.title()}s the {thing} of the greenhouse.")


if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    add(int(sys.argv[2]) if len(sys.argv) > 2 else 0)
    if port:
        server.run(transport="streamable-http", port=port)
    else:
        server.run(transport="stdio")
