from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from otto.errors import StoreError
from otto.store import Store


def test_an_item_is_to_be_done_then_done_then_off_the_list(store: Store, now: datetime) -> None:
    milk, bread = store.todo.add("milk", now), store.todo.add("bread", now)
    assert store.todo.list() == (milk, bread)
    store.todo.done(milk.id, now + timedelta(hours=1))
    assert store.todo.list() == (bread,)
    (done,) = store.todo.list(done=True)
    assert (done.text, done.done_at) == ("milk", now + timedelta(hours=1))
    store.todo.remove(bread.id)
    store.todo.remove(milk.id)
    assert store.todo.list() == store.todo.list(done=True) == ()


def test_what_is_not_on_the_list_can_be_neither_done_nor_removed(store: Store, now: datetime) -> None:
    milk = store.todo.add("milk", now)
    store.todo.done(milk.id, now)
    for change in (lambda: store.todo.done(milk.id, now), lambda: store.todo.remove(99)):
        with pytest.raises(StoreError, match="There is no item with the number"):
            change()


def test_a_number_is_never_given_twice(store: Store, now: datetime) -> None:
    first = store.todo.add("milk", now)
    store.todo.remove(first.id)
    assert store.todo.add("bread", now).id > first.id
