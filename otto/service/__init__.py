"""The service: one Otto for the desk, the house and other programs, over HTTP, WebSocket and a Unix socket.

    otto serve                      # a Unix socket in $XDG_RUNTIME_DIR/otto
    otto serve --port 8765          # and http://127.0.0.1:8765, with a token

`app.py` puts it together; `api.py`, `listen.py` and `openai.py` are what it offers; `guard.py` decides who gets in.
"""
