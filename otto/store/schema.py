"""The store's tables, and how a store of an earlier release becomes one of this release.

A migration is a plain function appended to `MIGRATIONS`; its place in the list is the version (`PRAGMA user_version`).
A migration that was released is never changed. The CHECKs let `PRAGMA quick_check` find damage inside a row, too.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from otto.store.backend import Connection

APPLICATION = 0x4F54544F
"""`PRAGMA application_id` of Otto's store ("OTTO"): tells it from a database of another program."""
LATEST = 32_503_680_000
"""1 January 3000 in seconds since 1970: no stored time is later."""


def m001_initial(connection: Connection) -> None:
    """History, audit trail, alerts, notes, to-do list. Times are seconds since 1970, UTC, unless said otherwise."""
    for statement in (
        """CREATE TABLE history (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            at REAL NOT NULL CHECK (typeof(at) = 'real'),
            text TEXT NOT NULL CHECK (typeof(text) = 'text'),
            calls TEXT NOT NULL CHECK (typeof(calls) = 'text'),
            confidence REAL NOT NULL CHECK (typeof(confidence) = 'real'),
            router TEXT NOT NULL CHECK (typeof(router) = 'text'),
            ok INTEGER NOT NULL CHECK (ok IN (0, 1)),
            reply TEXT NOT NULL CHECK (typeof(reply) = 'text'),
            results TEXT NOT NULL CHECK (json_valid(results) AND json_type(results) = 'array'),
            timings_ms TEXT NOT NULL CHECK (json_valid(timings_ms) AND json_type(timings_ms) = 'object'),
            correction TEXT NOT NULL DEFAULT '' CHECK (typeof(correction) = 'text'))""",
        """CREATE TABLE audit (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            at REAL NOT NULL CHECK (typeof(at) = 'real'),
            event TEXT NOT NULL
                CHECK (event IN ('ran', 'failed', 'asked', 'confirmed', 'declined', 'refused', 'dry')),
            skill TEXT NOT NULL CHECK (typeof(skill) = 'text'),
            call TEXT NOT NULL CHECK (typeof(call) = 'text'),
            detail TEXT NOT NULL CHECK (typeof(detail) = 'text'))""",
        # `due` for timers; `wall` (seconds since 1970 as if the wall clock showed UTC), `fold` and `zone` for the rest.
        f"""CREATE TABLE alerts (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            kind TEXT NOT NULL CHECK (kind IN ('timer', 'alarm', 'reminder')),
            state TEXT NOT NULL CHECK (state IN ('set', 'paused', 'ringing', 'done', 'cancelled')),
            label TEXT NOT NULL CHECK (typeof(label) = 'text'),
            set_at REAL NOT NULL CHECK (set_at BETWEEN 0 AND {LATEST}),
            since REAL NOT NULL CHECK (since BETWEEN 0 AND {LATEST}),
            due REAL CHECK (due IS NULL OR due BETWEEN 0 AND {LATEST}),
            duration REAL CHECK (duration IS NULL OR duration BETWEEN 0 AND {LATEST}),
            remaining REAL CHECK (remaining IS NULL OR remaining BETWEEN 0 AND {LATEST}),
            wall REAL CHECK (wall IS NULL OR wall BETWEEN 0 AND {LATEST}),
            fold INTEGER NOT NULL DEFAULT 0 CHECK (fold IN (0, 1)),
            zone TEXT NOT NULL CHECK (typeof(zone) = 'text'),
            owner INTEGER NOT NULL DEFAULT 0 CHECK (typeof(owner) = 'integer'),
            CHECK ((kind = 'timer') = (due IS NOT NULL AND duration IS NOT NULL)),
            CHECK ((kind <> 'timer') = (wall IS NOT NULL)))""",
        """CREATE TABLE notes (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            at REAL NOT NULL CHECK (typeof(at) = 'real'),
            text TEXT NOT NULL CHECK (typeof(text) = 'text'))""",
        """CREATE TABLE todo (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            at REAL NOT NULL CHECK (typeof(at) = 'real'),
            text TEXT NOT NULL CHECK (typeof(text) = 'text'),
            done_at REAL CHECK (done_at IS NULL OR typeof(done_at) = 'real'))""",
    ):
        connection.execute(statement)


def m002_votes(connection: Connection) -> None:
    """Votes on the coach's answers. `earlier`: what went before, as [[question, answer], …]."""
    connection.execute(
        """CREATE TABLE votes (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            at REAL NOT NULL CHECK (typeof(at) = 'real'),
            model TEXT NOT NULL CHECK (typeof(model) = 'text'),
            earlier TEXT NOT NULL CHECK (json_valid(earlier) AND json_type(earlier) = 'array'),
            question TEXT NOT NULL CHECK (typeof(question) = 'text'),
            answer TEXT NOT NULL CHECK (typeof(answer) = 'text'),
            verdict TEXT NOT NULL CHECK (verdict IN ('', 'up', 'down')),
            edit TEXT NOT NULL CHECK (typeof(edit) = 'text'))"""
    )


MIGRATIONS: tuple[Callable[[Connection], None], ...] = (m001_initial, m002_votes)
"""In order, oldest first."""
VERSION = len(MIGRATIONS)
"""The version this release writes."""


def migrate(connection: sqlite3.Connection) -> None:
    """Bring an opened store (empty, or of this or an earlier version) to `VERSION`, in one transaction."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        for migration in MIGRATIONS[version:]:
            migration(connection)
        connection.execute(f"PRAGMA application_id = {APPLICATION}")
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
