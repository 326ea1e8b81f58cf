"""All that a running skill sees of Otto. A skill gets one by annotating a parameter `Session`.

    >>> @skill
    ... def repeat(session: Session) -> str:
    ...     "Says the last reply again."
    ...     return session.last_reply or "I have not said anything yet."

A test makes one: `repeat(Session(now, last_reply="Hello."))`, with a `store` or a `fetch` of its own where needed.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from otto.skill import Skill

if TYPE_CHECKING:
    from otto.config import Settings
    from otto.network.fetch import Answer
    from otto.store import Store


class Session:
    """Made anew for every call. Nothing behind it is loaded or opened before it is used."""

    def __init__(
        self,
        now: datetime,
        *,
        settings: Settings | None = None,
        store: Store | None = None,
        skills: tuple[Skill, ...] = (),
        last_reply: str = "",
        text: str = "",
        fetch: Callable[..., Answer] | None = None,
    ) -> None:
        """`settings`: those in force when None. `store`: the one that the settings name, opened when first used.
        `fetch`: the real one when None."""
        self.now = now
        """The time in the user's time zone (aware)."""
        self.skills = skills
        """What can be asked for, for `help`."""
        self.last_reply = last_reply
        """What was said before; empty at the start."""
        self.text = text
        """The sentence that is carried out; empty where there is none."""
        self._settings = settings
        self._store = store
        self._fetch = fetch

    @cached_property
    def settings(self) -> Settings:
        """The settings in force."""
        from otto.config import load

        return self._settings or load()

    @cached_property
    def store(self) -> Store:
        """Alerts, notes and lists. Raises `StoreError` with a sentence for the user."""
        from otto.store import open_store

        return self._store or open_store(self.settings.database)

    @cached_property
    def fetch(self) -> Callable[..., Answer]:
        """The one door to the network: `otto.network.fetch.fetch`. Raises `FetchError` with a sentence for the user."""
        from otto.network.fetch import fetch

        return self._fetch or fetch

    def close(self) -> None:
        """Closes the store when this session opened one."""
        if self._store is None and "store" in self.__dict__:
            self.store.close()
