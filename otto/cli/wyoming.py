"""`otto wyoming`: Otto as a Wyoming service, for Home Assistant and voice satellites."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Annotated

import typer

from otto.cli.terminal import note
from otto.errors import OttoError

EXAMPLES = """Examples:

otto wyoming   (then add the integration "Wyoming Protocol" in Home Assistant: host 127.0.0.1, port 10800)

otto wyoming --uri tcp://0.0.0.0:10800 --zeroconf otto   (for the whole house)

otto wyoming --uri unix:///run/user/1000/otto/wyoming.sock"""


def wyoming(
    uri: Annotated[
        str, typer.Option(help="Where to listen: tcp://HOST:PORT or unix://PATH.")
    ] = "tcp://127.0.0.1:10800",
    zeroconf: Annotated[str, typer.Option(help="Be found by Home Assistant under this name.")] = "",
) -> None:
    """Transcribe, understand, act, speak and wake for Home Assistant and satellites."""
    if not find_spec("wyoming"):
        raise OttoError(
            "Wyoming needs packages that are not installed: pip install 'otto-assistant[wyoming,serve,voice]'"
        )
    from otto.cli.terminal import progress_bar
    from otto.config import load
    from otto.leave import leave
    from otto.log import set_up
    from otto.wyoming.run import WyomingServer, local

    settings = load()
    set_up(settings.log_level, settings.state_folder / "otto.log", conversing=True)
    if not local(uri):
        note(f"Everybody who can reach {uri} can command Otto: the protocol has no password.")
    with progress_bar() as progress:
        server = WyomingServer(settings, uri, zeroconf=zeroconf, progress=progress)
    server.run(lambda: note(f"Otto listens at {uri} (Wyoming); Ctrl-C ends it."))
    leave()
