"""Notes and the to-do list: kept, read, and found again by what was roughly said."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from otto.errors import SkillError
from otto.reply import Reply
from otto.store import Store

Do = Callable[[str], str]


def test_a_note_is_kept(do: Do, store: Store) -> None:
    assert do('notes(action="list")') == "There are no notes."
    assert do('notes(action="add", note="the spare key is at Ada\'s")') == "Noted: the spare key is at Ada's."
    assert [note.text for note in store.notes.list()] == ["the spare key is at Ada's"]
    assert do('notes(action="list")') == "1 note: the spare key is at Ada's."


def test_the_latest_notes_are_read_and_all_are_shown(do: Do, reply: Callable[[str], Reply]) -> None:
    for number in range(7):
        do(f'notes(action="add", note="note {number}")')
    answer = reply('notes(action="list")')
    assert answer.text == "There are 7 notes, the latest are: note 6; note 5; note 4; note 3; note 2."
    assert answer.data == {"notes": [f"note {number}" for number in reversed(range(7))]}


def test_an_empty_note_is_asked_for(do: Do, store: Store) -> None:
    with pytest.raises(SkillError, match="What shall I note"):
        do('notes(action="add")')
    assert store.notes.list() == ()


def test_the_list_is_filled_and_read(do: Do) -> None:
    assert do('todo(action="list")') == "There is nothing on your list."
    assert do('todo(action="add", item="buy milk")') == "I put buy milk on your list."
    assert do('todo(action="add", item="Buy milk")') == "Buy milk is already on your list."
    do('todo(action="add", item="call Ada")')
    assert do('todo(action="list")') == "2 things on your list: buy milk and call Ada."


@pytest.mark.parametrize("said", ["buy milk", "milk", "the milk", "buy the milk", "by milk"])
def test_an_item_is_found_by_what_was_roughly_said(said: str, do: Do, store: Store) -> None:
    do('todo(action="add", item="buy milk")')
    do('todo(action="add", item="call the dentist")')
    assert do(f'todo(action="remove", item="{said}")') == "I took buy milk off your list."
    assert [item.text for item in store.todo.list()] == ["call the dentist"]


def test_what_is_done_leaves_the_list(do: Do, store: Store) -> None:
    do('todo(action="add", item="call the dentist")')
    assert do('todo(action="done", item="dentist")') == "Well done, call the dentist is off your list."
    assert store.todo.list() == ()
    assert [item.text for item in store.todo.list(done=True)] == ["call the dentist"]


def test_nothing_is_removed_on_a_guess(do: Do, store: Store) -> None:
    do('todo(action="add", item="call Ada")')
    do('todo(action="add", item="call Bob")')
    with pytest.raises(SkillError, match="Which one: call Ada and call Bob"):
        do('todo(action="remove", item="call")')
    with pytest.raises(SkillError, match="wash the car is not on your list"):
        do('todo(action="remove", item="wash the car")')
    with pytest.raises(SkillError, match="What shall I put"):
        do('todo(action="add")')
    with pytest.raises(SkillError, match=r"Which one shall I take off\?"):
        do('todo(action="remove")')
    assert len(store.todo.list()) == 2


def test_a_long_list_is_cut(do: Do) -> None:
    for number in range(12):
        do(f'todo(action="add", item="thing number {number}")')
    assert do('todo(action="list")').startswith("12 things on your list: thing number 0, ")
    assert do('todo(action="list")').endswith("thing number 9, and 2 more.")
