"""Skills and the router that was trained on them, kept in step while files change.

    >>> live = Live(settings, folders(settings))
    >>> live.ready.router.route("what's the weather in Berlin", context)

A change builds a new snapshot and trains a new router beside the old pair; then one reference is swapped. A command
that has begun ends on the pair that it began with, and none ever finds a skill without its router.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from otto.call import OTHER
from otto.config import Folders, Settings
from otto.example import Example
from otto.examples.file import unchecked
from otto.registry.registry import Change, Registered, Registry, Snapshot, change
from otto.registry.watch import Watch
from otto.route import Router
from otto.routers.choose import Models
from otto.routers.described import Description
from otto.routers.fewshot import FewshotRouter
from otto.routers.followup import FollowUpRouter
from otto.routers.joints import openers
from otto.routers.learnt import LearntRouter
from otto.routers.several import SeveralRouter

if TYPE_CHECKING:
    from otto.mcp.use import Servers

log = logging.getLogger(__name__)

SERVERS_SECONDS = 5.0
"""How long the first commands wait for MCP servers; slower ones join later."""


@dataclass(frozen=True, slots=True)
class Ready:
    """Skills, and the router that knows exactly these."""

    snapshot: Snapshot
    router: Router


class Live:
    """The newest pair of skills and router."""

    def __init__(
        self, settings: Settings, folders: Folders, progress: Callable[[str, float], None] | None = None
    ) -> None:
        """Reads the folders and trains, or takes the trained router from the cache.

        `progress(what, share)` is told how far training is, 0 to 1.
        """
        self._settings = settings
        self._servers = self._connected()
        self.models = Models(settings)
        self._registry = Registry(folders, cache=settings.cache_folder)
        self._training = threading.Lock()
        self._watch: Watch | None = None
        self._told: Callable[[Change], None] | None = None
        self._others = list(unchecked(folders.other).examples) if folders.other else []
        self._router: FewshotRouter | None = None
        self._taught: tuple[tuple[str, str], ...] = ()
        """The skills that it was trained on, by name and hash."""
        if self._servers:
            self._servers.wait(SERVERS_SECONDS)
        self.ready = self._trained(self._registry.snapshot, progress)
        if self._servers:
            self._servers.follow(self._follow)

    def watch(self, changed: Callable[[Change], None] | None = None) -> None:
        """Follows changes in the folders from now on; `changed` is called when the new skills answer."""
        self._told = changed
        self._watch = Watch(self._registry, lambda change: self._follow())

    def adopt(self, servers: Servers) -> None:
        """Takes these servers' tools for skills from now on, in place of others'; waits until they have answered."""
        before, self._servers = self._servers, servers
        if before:
            before.close()
        servers.wait()
        self._follow()
        servers.follow(self._follow)

    def close(self) -> None:
        if self._watch:
            self._watch.close()
        if self._servers:
            self._servers.close()
        self.models.close()
        self._registry.close()

    def _connected(self) -> Servers | None:
        """Connections to the MCP servers of the settings; imported only where there are any."""
        if not self._settings.mcp_servers:
            return None
        from otto.mcp.use import Servers

        return Servers(self._settings.mcp_servers, self._settings.cache_folder)

    def _follow(self) -> None:
        """Files have changed, or tools of another server have come or gone."""
        with self._training:
            before = self.ready.snapshot
            self.ready = self._trained(self._registry.snapshot, None)
            difference = change(before, self.ready.snapshot)
        log.info("skills changed: %s", difference)
        if self._told and difference:
            self._told(difference)

    def _trained(self, snapshot: Snapshot, progress: Callable[[str, float], None] | None) -> Ready:
        snapshot = self._servers.over(snapshot) if self._servers else snapshot
        exposed = [entry for name, entry in snapshot.skills.items() if name not in self._settings.hidden]
        # Tools that have only described themselves are found beside the others, which stay as they are.
        taught = [entry for entry in exposed if not entry.phrases]
        described = [Description(each.skill, each.phrases, each.written) for each in exposed if each.phrases]
        if not any(entry.examples for entry in taught):
            taught, described = exposed, []
        known = self._router.described if self._router else None
        key = tuple((entry.skill.name, entry.hash) for entry in taught)
        # Theirs first: a sentence that stands in the user's folder as well is the user's, and no newcomer may claim it.
        examples = [*self._others, *(example for entry in taught for example in entry.examples)]
        if self._router is None or key != self._taught:
            self._router = FewshotRouter.train(
                [entry.skill for entry in taught],
                examples,
                cache=self._settings.cache_folder,
                previous=self._router,
                newcomers=self._newcomers(snapshot),
                progress=progress,
            )
            self._taught = key
        self._router = self._router.beside(described, examples, known)
        return Ready(snapshot, self._whole(exposed))

    def _whole(self, exposed: Sequence[Registered]) -> Router:
        """The trained router, for sentences with several commands, too; the models of the settings on top; and all of
        that for conversations."""
        assert self._router is not None
        skills = {entry.skill.name: entry.skill for entry in exposed}
        self.models.sentences = {entry.skill.name: [example.text for example in entry.examples] for entry in exposed}
        known = openers(example for entry in exposed for example in entry.examples)
        alone = self.models.over(SeveralRouter(self._router, skills, known), list(skills.values()))
        return FollowUpRouter(LearntRouter(alone, skills, self._own(exposed)), skills)

    def _own(self, exposed: Sequence[Registered]) -> Iterator[Example]:
        """What the user has written or corrected: examples from elsewhere than the first folder."""
        first = {str(folder) for folder in self._registry.folders.examples[:1]}
        for entry in exposed:
            for example in entry.written:
                if os.path.dirname(example.origin.file) not in first:
                    yield example

    def _newcomers(self, snapshot: Snapshot) -> frozenset[str]:
        """Skills that the first folders, mostly the bundled ones, know nothing of; with `Folders.other`, all."""
        where = self._registry.folders
        first = set() if where.other else {*where.examples[:1], *where.skills[:1]}
        return frozenset(
            name
            for name, entry in snapshot.skills.items()
            if name != OTHER
            and entry.files
            and not entry.phrases
            and not any(file.parent in first for file in entry.files)
        )
