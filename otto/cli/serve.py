"""`otto serve`: Otto for other programs and the browser, over a Unix socket and, with `--port`, over HTTP."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Annotated

import typer

from otto.cli.terminal import note, say
from otto.errors import OttoError

EXAMPLES = """Examples:

otto serve   (a Unix socket for this user)

otto serve --port 8765   (and http://127.0.0.1:8765, with a token)

otto serve --port 8765 --token   (print the token, and a link for the browser)

curl --unix-socket "$XDG_RUNTIME_DIR/otto/serve.sock" http://localhost/api/skills"""

DEFAULT_PORT = 8765
NEEDED = ("starlette", "uvicorn", "websockets", "prometheus_client", "python_multipart")


def serve(
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Listen on this port of 127.0.0.1, too; 0: any free one.")
    ] = None,
    token: Annotated[
        bool, typer.Option("--token", help="Print the token and a login link for the browser, and serve nothing.")
    ] = False,
) -> None:
    """Answer other programs and the browser, until Ctrl-C."""
    from otto.config import load

    if missing := [name for name in NEEDED if find_spec(name) is None]:
        raise OttoError(f"otto serve needs more packages ({', '.join(missing)}): pip install 'otto-assistant[serve]'")
    settings = load()
    if token:
        from otto.service.run import login_link
        from otto.service.token import open_token

        secret = open_token(settings)
        say(secret.secret)
        port = port or DEFAULT_PORT
        note(f"Open this within two minutes: {login_link(port, secret.code())}")
        if not answers(port):
            note(f"Nothing answers there now; start it: otto serve --port {port}")
        return
    from otto.cli.terminal import progress_bar
    from otto.leave import leave
    from otto.log import set_up
    from otto.service.run import Server, login_link

    set_up(settings.log_level, settings.state_folder / "otto.log")
    with progress_bar() as progress:
        server = Server(settings, port=port, progress=progress)

    def ready() -> None:
        note(f"Listening at {server.path}")
        if server.port is not None:
            note(f"Open this within two minutes: {login_link(server.port, server.service.token.code())}")

    server.run(ready)
    leave()


def answers(port: int) -> bool:
    """Whether something listens on this port of this machine."""
    import socket

    from otto.service.run import HOST

    try:
        socket.create_connection((HOST, port), timeout=1).close()
    except OSError:
        return False
    return True
