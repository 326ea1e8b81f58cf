"""Conversations by name, and questions that wait."""

from __future__ import annotations

from typing import Any

from otto.call import parse
from otto.service import conversations, pending
from otto.service.conversations import Conversations
from otto.service.pending import Pending


def test_a_name_is_one_conversation_and_no_name_is_none() -> None:
    kept = Conversations()
    assert kept.of("a") is kept.of("a") is not kept.of("b")
    assert kept.of("") is None


def test_a_chat_keeps_its_conversation_under_a_new_name() -> None:
    kept = Conversations()
    talk = kept.of("one")
    kept.rename("one", "two")
    kept.rename("never", "there")
    assert kept.of("two") is talk and kept.of("one") is not talk


def test_the_one_that_was_used_longest_ago_goes() -> None:
    kept = Conversations()
    first, second = kept.of("first"), kept.of("second")
    for number in range(conversations.MOST - 1):
        kept.of("first")
        kept.of(str(number))
    assert len(kept) == conversations.MOST
    assert kept.of("first") is first and kept.of("second") is not second


def test_questions_are_over_when_answered_or_late_and_not_too_many() -> None:
    now = [0.0]
    asked: Any = None
    waiting = Pending(clock=lambda: now[0])
    first = waiting.add(asked, parse('crush(thing="it")'))
    assert first.question == "Shall I run crush, it?"
    assert waiting.get(first.id) is first and waiting.take(first.id) is first and waiting.take(first.id) is None
    late = waiting.add(asked, parse("crush()"))
    now[0] = pending.SECONDS
    assert waiting.take(late.id) is None
    ids = [waiting.add(asked, parse("crush()")).id for _ in range(pending.MOST + 1)]
    assert len(set(ids)) == pending.MOST + 1 and len(waiting) == pending.MOST and waiting.get(ids[0]) is None
