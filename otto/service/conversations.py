"""Who says what: each tab, program and chat keeps its own conversation, by a name of its own choice.

    >>> talk = conversations.of("kitchen-tablet")
    >>> conversations.rename("chat-1", "chat-2")    # a chat whose name is all that was said in it so far

The one that was used longest ago goes when there are too many.
"""

from __future__ import annotations

import threading
from collections import OrderedDict

from otto.conversation import Conversation

MOST = 500


class Conversations:
    """From any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, Conversation] = OrderedDict()

    def of(self, name: str) -> Conversation | None:
        """The conversation of that name, begun if there is none; None for the empty name: the sentence stands alone."""
        if not name:
            return None
        with self._lock:
            talk = self._kept.pop(name, None) or Conversation()
            self._keep(name, talk)
            return talk

    def rename(self, before: str, after: str) -> None:
        """What was called `before` goes on as `after`; nothing where there is none."""
        with self._lock:
            if (talk := self._kept.pop(before, None)) is not None:
                self._keep(after, talk)

    def __len__(self) -> int:
        return len(self._kept)

    def _keep(self, name: str, talk: Conversation) -> None:
        self._kept[name] = talk
        while len(self._kept) > MOST:
            self._kept.popitem(last=False)
