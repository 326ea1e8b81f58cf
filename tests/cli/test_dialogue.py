"""Conversations with the real program: lines in, answers out."""

from __future__ import annotations

import json

from tests.cli.conftest import Otto


def talk(otto: Otto, *said: str, **environment: str) -> list[dict[str, object]]:
    """What `otto ask --json` answers to each line."""
    ran = otto("ask", "--json", stdin="\n".join(said), **environment)
    return [json.loads(line) for line in ran.out.splitlines()]


def replies(turns: list[dict[str, object]]) -> list[object]:
    return [turn["reply"] for turn in turns]


def test_a_timer_is_asked_for_corrected_and_undone(otto: Otto) -> None:
    turns = talk(otto, "set a timer", "ten minutes", "make it twenty", "how long is left", "undo", "undo")
    assert replies(turns) == [
        "For how long?",
        "The timer is set for 10 minutes.",
        "I cancelled the 10 minute timer. The timer is set for 20 minutes.",
        "There is a 20 minute timer with 20 minutes left.",
        "I cancelled the 20 minute timer.",
        "There is nothing to undo.",
    ]
    assert turns[0]["asks"] == {"skill": "timer", "parameter": "duration", "calls": ["timer()"]}
    assert turns[1]["asks"] is None
    assert turns[2]["calls"] == ["undo()", 'timer(duration="20 minutes")']


def test_what_waits_for_an_answer_is_done_after_it(otto: Otto) -> None:
    turns = talk(
        otto,
        "remind me to call mum and set a timer for seven minutes",
        "in half an hour",
        "undo",
        "what timers do i have",
    )
    assert replies(turns)[0] == "When shall I remind you: call mum?"
    assert str(replies(turns)[1]).endswith("call mum. The timer is set for 7 minutes.")
    assert replies(turns)[2:] == [
        "I cancelled the 7 minute timer. I cancelled the reminder: call mum.",
        "There is no timer.",
    ]


def test_a_row_of_commands_ends_with_the_first_that_fails(otto: Otto) -> None:
    (turn,) = talk(otto, "cancel the timer and set an alarm for seven")
    assert str(turn["reply"]).startswith("There is no timer to cancel. This was not done: alarm, ")


def test_a_no_ends_the_row(otto: Otto) -> None:
    (turn,) = talk(otto, "lock the screen and set a timer for five minutes")
    assert str(turn["reply"]).endswith("nobody said yes. This was not done: timer, 5 minutes.")
    assert replies(talk(otto, "what timers do i have")) == ["There is no timer."]


def test_which_timer_and_all_of_them(otto: Otto) -> None:
    turns = talk(
        otto, "set timers for five and ten minutes", "cancel the timer", "both of them", "what timers do i have",
        "set timers for five and ten minutes", "cancel the timer", "the ten minute one", "what timers do i have",
    )  # fmt: skip
    said = replies(turns)
    assert str(said[1]).startswith("Which one?")
    assert said[2:4] == ["I cancelled the 5 minute timer. I cancelled the 10 minute timer.", "There is no timer."]
    assert said[6] == "I cancelled the 10 minute timer."
    assert "5 minute timer" in str(said[7])


def test_one_command_after_another_is_no_conversation(otto: Otto) -> None:
    otto("ask", "set a timer for five minutes")
    assert "nothing to undo" in otto("ask", "undo").out
