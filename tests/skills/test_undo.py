"""What skills do, and taking it back: afterwards the store, or the programs, are as they were."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from otto import Reply, SkillError
from otto.errors import StoreError
from otto.function import SkillFunction
from otto.session import Session
from otto.store import Store

Load = Callable[[str], SkillFunction[Any, Any]]
Ask = Callable[[str], Reply]


def stored(store: Store) -> object:
    """All that skills keep."""
    return (
        [(each.id, each.state, each.label, each.duration, each.left) for each in store.alerts.list()],
        [(each.id, each.text) for each in store.notes.list()],
        [(each.id, each.text, each.at) for each in store.todo.list()],
    )


@pytest.mark.parametrize(
    ("before", "call"),
    [
        ("", 'timer(duration="10 minutes")'),
        ("", 'alarm(when="7:00")'),
        ("", 'reminder(text="call Ada", when="18:00")'),
        ("", 'notes(action="add", note="the key is under the mat")'),
        ("", 'todo(action="add", item="milk")'),
        ('todo(action="add", item="milk")', 'todo(action="done", item="milk")'),
        ('todo(action="add", item="milk")', 'todo(action="remove", item="milk")'),
        ('timer(duration="10 minutes")', 'timers(action="cancel")'),
        ('timer(duration="10 minutes")', 'timers(action="pause")'),
        ('alarm(when="7:00")', 'alarms(action="cancel")'),
        ('reminder(text="call Ada", when="18:00")', 'reminders(action="cancel")'),
    ],
)
def test_afterwards_all_is_as_before(
    before: str, call: str, reply: Ask, function: Load, session: Session, store: Store
) -> None:
    if before:
        reply(before)
    was = stored(store)
    done = reply(call)
    assert done.undo is not None and stored(store) != was
    told = function(call.partition("(")[0]).take_back(done.undo, session)
    assert stored(store) == was and told.text


@pytest.mark.parametrize(
    "call", ['todo(action="list")', 'notes(action="list")', 'timers(action="list")', "timecheck()"]
)
def test_what_changes_nothing_offers_no_undo(call: str, reply: Ask) -> None:
    assert reply(call).undo is None


def test_a_timer_that_would_have_rung_stays_cancelled(reply: Ask, function: Load, session: Session) -> None:
    reply('timer(duration="10 minutes")')
    done = reply('timers(action="cancel")')
    session.now += timedelta(minutes=11)
    with pytest.raises(SkillError, match="would have rung"):
        function("timers").take_back(done.undo or {}, session)


def test_what_is_gone_already_is_said(reply: Ask, function: Load, session: Session) -> None:
    done = reply('timer(duration="10 minutes")')
    reply('timers(action="cancel")')
    with pytest.raises(StoreError):
        function("timer").take_back(done.undo or {}, session)


@pytest.mark.parametrize(
    ("call", "back"),
    [
        ('volume(action="up")', ["wpctl", "set-volume", "--limit", "1.0", "@DEFAULT_AUDIO_SINK@", "10%-"]),
        ('volume(action="mute")', ["wpctl", "set-mute", "@DEFAULT_AUDIO_SINK@", "0"]),
    ],
)
def test_the_volume_goes_back(
    call: str, back: list[str], reply: Ask, function: Load, session: Session, programs: Any
) -> None:
    programs.add("wpctl")
    function("volume").take_back(reply(call).undo or {}, session)
    assert programs.called[-1] == back


def test_what_was_paused_plays_again(reply: Ask, function: Load, session: Session, programs: Any) -> None:
    programs.add("playerctl")
    function("media").take_back(reply('media(action="pause")').undo or {}, session)
    assert programs.called == [["playerctl", "pause"], ["playerctl", "play"]]


@pytest.mark.parametrize(
    ("said", "what", "every"),
    [
        ("cancel all timers", "timers", True),
        ("cancel both of my timers please", "timers", True),
        ("cancel every single alarm", "alarms", True),
        ("all of them", "reminders", True),
        ("cancel the timer", "timers", False),
        ("cancel the timer and turn off all lights", "timers", False),
        ("cancel all alarms", "timers", False),
        ("", "timers", False),
    ],
)
def test_all_of_them(said: str, what: str, every: bool) -> None:
    from otto.speech import means_all

    assert means_all(said, what) is every


def test_all_timers_are_cancelled_and_come_back_together(
    reply: Ask, function: Load, session: Session, store: Store
) -> None:
    for minutes in (5, 10, 15):
        reply(f'timer(duration="{minutes} minutes")')
    was = stored(store)
    with pytest.raises(SkillError) as asking:
        reply('timers(action="cancel")')
    assert asking.value.asks == "duration"
    session.text = "cancel all timers"
    done = reply('timers(action="cancel")')
    assert store.alerts.list() == ()
    function("timers").take_back(done.undo or {}, session)
    assert stored(store) == was
