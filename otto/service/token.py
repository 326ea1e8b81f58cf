"""The token that opens the service over TCP, and what is derived from it: login links and the browser's cookie.

    token = open_token(settings)            # from a 0600 file, made when first needed
    token.matches(given)                    # in constant time
    code = token.code()                     # in a login link: once, within two minutes
    cookie = token.redeem(code)             # what the browser keeps then; None for a code that is not good

A code and a cookie are sealed with the token, so that no list of them has to be kept, and a new token ends them all.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import stat
import time
from collections.abc import Callable
from pathlib import Path

from otto import log
from otto.config import Settings
from otto.errors import OttoError
from otto.files import write_atomic

CODE_SECONDS = 120
COOKIE_SECONDS = 30 * 24 * 3600
SHORTEST = 32
"""Characters of a token."""


class TokenError(OttoError):
    """A token file that cannot be used; the message names it. Seen by the user."""


class Token:
    """One secret."""

    def __init__(self, secret: str, clock: Callable[[], float] = time.time) -> None:
        self.secret = secret
        self._clock = clock
        self._redeemed: dict[str, float] = {}
        """Codes that were used, until they expire."""

    def matches(self, given: str) -> bool:
        """Whether this is the token; the time it takes says nothing about it."""
        return hmac.compare_digest(self.secret.encode(), given.encode(errors="replace"))

    def code(self) -> str:
        """For one login, soon."""
        return self._sealed("code", CODE_SECONDS)

    def redeem(self, code: str) -> str | None:
        """A cookie's value for a login code; None where it is false, old, or used already."""
        now = self._clock()
        self._redeemed = {used: until for used, until in self._redeemed.items() if until > now}
        if not self._opens("code", code) or code in self._redeemed:
            return None
        self._redeemed[code] = now + CODE_SECONDS
        return self._sealed("cookie", COOKIE_SECONDS)

    def knows(self, cookie: str) -> bool:
        """Whether a cookie is one that `redeem` gave out, and still holds."""
        return self._opens("cookie", cookie)

    def _sealed(self, purpose: str, seconds: int) -> str:
        text = f"{int(self._clock()) + seconds}-{secrets.token_hex(8)}"
        return f"{text}-{self._mark(purpose, text)}"

    def _opens(self, purpose: str, sealed: str) -> bool:
        text, _, mark = sealed.rpartition("-")
        until = text.partition("-")[0]
        whole = hmac.compare_digest(self._mark(purpose, text).encode(), mark.encode(errors="replace"))
        return whole and until.isascii() and until.isdecimal() and int(until) >= self._clock()

    def _mark(self, purpose: str, text: str) -> str:
        words = f"{purpose}:{text}".encode(errors="replace")
        return hmac.new(self.secret.encode(), words, hashlib.sha256).hexdigest()


def token_file(settings: Settings) -> Path:
    """Where the token is kept."""
    return settings.state_folder / "token"


def open_token(settings: Settings) -> Token:
    """The token of this user, made if there is none. It is never logged. Raises `TokenError`."""
    path = token_file(settings)
    try:
        if not path.exists():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_atomic(path, secrets.token_urlsafe(32) + "\n", private=True)
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise TokenError(f"{path} can be read by others, who may know it now: remove it, and a new one is made.")
        secret = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise TokenError(f"The token file {path} cannot be used: {error}") from error
    if len(secret) < SHORTEST:
        raise TokenError(f"{path} holds no token (at least {SHORTEST} characters): remove it, and a new one is made.")
    log.hide(secret)
    return Token(secret)
