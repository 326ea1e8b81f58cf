"""`otto mcp`: Otto's skills as tools for an MCP host, over standard input and output."""

from __future__ import annotations

EXAMPLES = """Examples:

otto mcp   (a host starts it; put this into its configuration:)

{"mcpServers": {"otto": {"command": "otto", "args": ["mcp"]}}}"""


def mcp() -> None:
    """Offer every skill to an MCP host (Claude Desktop, an editor, another assistant) as a tool."""
    import anyio

    from otto.config import load
    from otto.log import set_up
    from otto.mcp.offer import Approval, Offer, alone, over_standard_streams
    from otto.turn import Assistant

    settings = load()
    set_up(settings.log_level, settings.state_folder / "otto.log", conversing=True)
    approval = Approval()
    with Assistant(settings, approval) as otto:
        otto.live.watch()
        anyio.run(over_standard_streams, Offer(otto, alone(otto, approval)))
