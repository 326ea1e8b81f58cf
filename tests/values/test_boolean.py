from __future__ import annotations

from datetime import datetime

import pytest

from otto.errors import ValueReadError
from otto.values import TYPES, Limits

BOOLEAN = TYPES["boolean"]

YES = ["yes", "Yes.", "yeah", "yep", "on", "ON", "true", "True", "enable", "enabled", "activate", "sure", "ok", "okay",
       "of course", "yes please", "turn on", "switched on", "1", "one", 1, 1.0, True]  # fmt: skip
NO = ["no", "No!", "nope", "off", "false", "False", "disable", "disabled", "deactivate", "never", "no thanks",
      "turned off",
      "switch off", "0", "zero", 0, 0.0, False]  # fmt: skip
REFUSED = ["", " ", "maybe", "yes no", "on off", "2", 2, -1, 0.5, "two", "minus one", "truee", "offf", "not yes",
           float("nan"),
           float("inf"), "perhaps", "None", "null", "y" * 401, "x"]  # fmt: skip


@pytest.mark.parametrize("said", YES)
def test_yes(said: str | float, now: datetime) -> None:
    assert BOOLEAN.read(said, Limits(), now) is True


@pytest.mark.parametrize("said", NO)
def test_no(said: str | float, now: datetime) -> None:
    assert BOOLEAN.read(said, Limits(), now) is False


@pytest.mark.parametrize("said", REFUSED, ids=lambda said: repr(said)[:20])
def test_limits_of_booleans_hold(said: str | float, now: datetime) -> None:
    with pytest.raises(ValueReadError):
        BOOLEAN.read(said, Limits(), now)


@pytest.mark.parametrize("value", [True, False])
def test_what_is_written_reads_back(value: bool, now: datetime) -> None:
    assert BOOLEAN.read(BOOLEAN.write(value), Limits(), now) is value
    assert not BOOLEAN.same(value, not value)
