"""Tasks whose answers are texts: prompts, rules, figures."""

from __future__ import annotations

import pytest

from finetune.races import INSTRUCTION, Race, clock, races, rows
from finetune.shapes import Conversation, dumps, read_text
from finetune.tasks import PROSE, Task, make
from finetune.tasks.feedback import follows, seconds
from otto.errors import ConfigError
from otto.prompt import Message, prompt, router_prompt


def task(name: str, form: str = "mistral") -> Task:
    return make(name, router_prompt(form, prompt(name)), {})


def row(asked: str, answer: str = "Run easily.") -> Conversation:
    return Conversation((Message("user", asked), Message("assistant", answer)))


@pytest.mark.parametrize("name", PROSE)
@pytest.mark.parametrize("form", ["mistral", "chatml", "gpt-2", "plain"])
def test_a_row_becomes_prompt_and_answer_in_the_familys_frame(name: str, form: str) -> None:
    made = task(name, form)
    opening, completion = made.training(row("How far today?"))
    frame = router_prompt(form).format
    assert opening == made.opening(row("How far today?"))
    assert prompt(name) in opening and "How far today?" in opening and "Run easily." not in opening
    assert completion.strip() == f"Run easily.{frame.end}"
    assert made.name == name and made.most_tokens >= 200


def test_an_earlier_turn_and_an_own_system_text_stay() -> None:
    talk = Conversation(
        (Message("system", "Be brief."), Message("user", "one"), Message("assistant", "two"), Message("user", "three"),
         Message("assistant", "four"))
    )  # fmt: skip
    opening = task("coach").opening(talk)
    assert "Be brief." in opening and prompt("coach") not in opening
    assert opening.index("one") < opening.index("two") < opening.index("three")


@pytest.mark.parametrize(
    ("answer", "right"),
    [("Run **easily** for 30 minutes:\n\n- slowly\n- daily", True), ("# Running\nRun.", False),
     ("Run **easily.", False), ("word " * 181, False), ("word " * 180, True), ("…", False)],
)  # fmt: skip
def test_the_coach_is_short_and_renders(answer: str, right: bool) -> None:
    assert task("coach").score(row("How?"), answer).right is right
    assert task("coach").usable(answer) is (answer != "…")


RACE = row("Tell me.\n\nPredicted time: 1:10:00\nActual time: 1:12:30\n- row: 4:20, 4:10\nRuns: 5:00, 5:40")


@pytest.mark.parametrize(
    ("answer", "right"),
    [("You needed 1:12:30, 2:30 more than the predicted 1:10:00.", True), ("The row took 4:20, 0:10 too long.", True),
     ("You needed 1:12:30. Train rowing 3 times a week.", True), ("You needed 1:15:00.", False),
     ("You lost 47 places.", False), ("5:40, or 72:30 in all.", True)],
)  # fmt: skip
def test_feedback_invents_no_figure(answer: str, right: bool) -> None:
    found = task("feedback").score(RACE, answer)
    assert found.right is right
    assert (found.figures["grounded"] == 1) is right


def test_feedback_that_would_fit_any_race_is_not_right() -> None:
    found = task("feedback").score(RACE, "Well done, train more.")
    assert found.well_formed and not found.right and found.figures["grounded"] == 1


def test_a_figure_follows_from_two_times() -> None:
    assert follows("2:30", "1:10:00 and 1:12:30") and not follows("2:31", "1:10:00 and 1:12:30")
    assert seconds("1:02:03") == 3723 and clock(3723) == "1:02:03" and clock(65) == "1:05"


STIFF = "It is to be noted that 12 reports were reviewed by the team in May."


@pytest.mark.parametrize(
    ("answer", "fault"),
    [("The team looked at 12 reports in May.", ""), (STIFF, "unchanged"),
     ("The team looked at reports in May, all of them.", "12 is lost"), ("12", "times as long"),
     ("Bananas are cheap, and 12 of them make a cake for a party.", "meaning is another")],
)  # fmt: skip
def test_a_rewrite_keeps_figures_length_and_meaning(answer: str, fault: str) -> None:
    made, said = task("style"), row(STIFF)
    faults = "; ".join(made.faults(said, answer))  # type: ignore[attr-defined]
    assert (fault in faults) if fault else not faults, faults
    assert made.score(said, answer).right is not bool(fault)


def test_answers_about_a_document_are_held_against_its_section() -> None:
    said = row("When to sleep?\n\nSleep before midnight, in a dark room.", "Before midnight, in a dark room.")
    found = task("document").score(said, "Sleep before midnight.").figures
    assert found["from_context"] == 1
    assert found["overlap"] == pytest.approx(4 / 9), "two words of three and of six"
    assert task("document").score(said, "Never.").figures["from_context"] == 0


def test_a_task_that_is_not_there_is_named() -> None:
    with pytest.raises(ConfigError, match="there is no task 'poetry'; known: router, coach"):
        make("poetry", router_prompt("plain", ""), {})


def test_made_up_races_are_consistent_and_their_feedback_true() -> None:
    several = list(rows(300, seed=3))
    assert several == list(rows(300, seed=3)) and several != list(rows(300, seed=4))
    made = task("feedback")
    for each in read_text("".join(dumps(one) + "\n" for one in several), "races.jsonl"):
        assert each.question.startswith(INSTRUCTION)
        assert made.score(each, each.answer).right, made.faults(each, each.answer)  # type: ignore[attr-defined]
    assert len({one["response"] for one in several}) > 290


def test_a_race_adds_up() -> None:
    found = [race for race, _ in zip(races(1), range(500), strict=False)]
    assert all(race.actual == sum(race.runs) + sum(race.stations) for race in found)
    assert {race.cluster for race in found} == {"strong runner", "strong on stations", "all-rounder", "developing"}
    # A weak station and a tired athlete make most races slower than predicted, some are faster.
    late = [race.late for race in found]
    assert 60 < sum(late) / len(late) < 400 and min(late) < 0
    assert (
        "Actual time: 1:00:10" in Race(3600, (300,) * 8, (151,) * 2 + (152,) * 4 + (150,) * 2, (150,) * 8, "x").context
    )
