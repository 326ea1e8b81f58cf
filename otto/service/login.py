"""From a login link to the browser's cookie.

The link is `http://127.0.0.1:8765/login#CODE`. What stands behind `#` is not sent to a server and not logged; the page
at `/login` hands it over in a POST, so that nothing happens to a code that some program only looks at.
"""

from __future__ import annotations

from starlette.responses import HTMLResponse, JSONResponse, Response

from otto.service.guard import COOKIE
from otto.service.operation import Given, Operation
from otto.service.refusal import Refusal
from otto.service.schema import LoggedIn, Login
from otto.service.token import COOKIE_SECONDS, Token

_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Otto</title>
<link rel="icon" href="/page/icon.svg" type="image/svg+xml">
<meta name="color-scheme" content="light dark"><link rel="stylesheet" href="/page/page.css">
<header><h1><img src="/page/icon.svg" alt="" width="28" height="28"><span>Otto</span></h1></header>
<main><p id="said" role="status">One moment…</p></main>
<script src="/login.js"></script>
</html>
"""
_SCRIPT = """const said = document.getElementById("said");
const code = location.hash.slice(1);
history.replaceState(null, "", "/login");
fetch("/api/login", {method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify({code})})
  .then(async (answer) => {
    if (answer.ok) location.replace("/");
    else said.textContent = (await answer.json()).error;
  })
  .catch(() => { said.textContent = "Otto does not answer. Is “otto serve” still running?"; });
"""
SAFE_PAGE = {
    "Content-Security-Policy": "default-src 'self'; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
"""Headers of everything that a browser shows."""


def operations(token: Token) -> list[Operation]:
    """The page, its script, and what the script sends."""

    async def page(given: Given) -> Response:
        return HTMLResponse(_PAGE, headers=SAFE_PAGE)

    async def script(given: Given) -> Response:
        return Response(_SCRIPT, media_type="text/javascript", headers=SAFE_PAGE)

    async def login(given: Given) -> Response:
        cookie = token.redeem(given.body.code)
        if cookie is None:
            raise Refusal(401, "This link is used or too old. A new one: otto serve --token")
        response = JSONResponse(LoggedIn(ok=True).model_dump())
        response.set_cookie(COOKIE, cookie, max_age=COOKIE_SECONDS, httponly=True, samesite="strict")
        return response

    return [
        Operation("GET", "/login", "The page of a login link", page, answers_media=("text/html",), public=True),
        Operation("GET", "/login.js", "Its script", script, answers_media=("text/javascript",), public=True),
        Operation(
            "POST",
            "/api/login",
            "A login code for a cookie",
            login,
            takes=Login,
            answers=LoggedIn,
            refusals=(401,),
            public=True,
        ),
    ]
