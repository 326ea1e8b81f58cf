"""Judging: the arithmetic on worked examples, and planted cases against a real server that plays the judge."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from finetune import consistency, faithfulness, pairwise, relevancy, rubric, service
from finetune.agreement import kappa
from finetune.ask import Endpoint
from finetune.cli.eval import app
from finetune.interval import bootstrap, wilson
from finetune.item import Candidate, Item, read
from finetune.journal import Journal
from finetune.judge import Judgement, best, judge
from finetune.judgepage import summary
from otto.encoder import shared
from otto.errors import OttoError
from tests.finetune.scripted import Asked, Reply, Scripted, chat


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "FIRST_PAUSE", 0.002)


# --- arithmetic -------------------------------------------------------------------------------------------------------


def test_an_interval_of_a_share() -> None:
    """8 of 10: 0.490 to 0.943, as tables of Wilson's interval have it."""
    found = wilson(8, 10)
    assert (found.value, round(found.low, 3), round(found.high, 3)) == (0.8, 0.490, 0.943)
    assert (wilson(0, 0).low, wilson(0, 0).high) == (0, 1)
    assert wilson(0, 5).low == pytest.approx(0) and wilson(5, 5).high == pytest.approx(1)


def test_an_interval_of_a_mean() -> None:
    found = bootstrap([0.0, 1.0] * 50)
    assert (
        found.value == 0.5 and found.low == pytest.approx(0.4, abs=0.02) and found.high == pytest.approx(0.6, abs=0.02)
    )
    assert bootstrap([0.0, 1.0] * 50) == found
    assert bootstrap([3.0]).low == 3 and math.isnan(bootstrap([]).value)


def test_agreement_beyond_chance() -> None:
    """Cohen's own kind of table: 20 yes/yes, 5 yes/no, 10 no/yes, 15 no/no: 0.7 seen, 0.5 by chance, kappa 0.4."""
    one = ["y"] * 25 + ["n"] * 25
    other = ["y"] * 20 + ["n"] * 5 + ["y"] * 10 + ["n"] * 15
    assert kappa(one, other) == pytest.approx(0.4)
    assert kappa(one, one) == 1
    assert math.isnan(kappa(["y", "y"], ["y", "y"])) and math.isnan(kappa([], []))
    # Weighted: two judges one step apart on a scale of three. Seen: mean squared step 1/3; by chance 4/3: kappa 3/4.
    assert kappa([1, 2, 3], [1, 2, 2], weights=[1, 2, 3]) == pytest.approx(1 - (1 / 3) / (9 / 9))
    with pytest.raises(ValueError, match="the same"):
        kappa(["y"], [])


def test_weighted_agreement_by_hand() -> None:
    """Scores (1,1), (3,3), (1,3), (3,1): seen 8/4 = 2 squared steps; margins half and half, by chance 2: kappa 0."""
    assert kappa([1, 3, 1, 3], [1, 3, 3, 1], weights=range(1, 6)) == pytest.approx(0)


def test_the_mean_of_the_rubric_weighs_all_alike() -> None:
    scores = dict(zip(rubric.CRITERIA, (5, 4, 3, 2, 1, 5, 1), strict=True))
    verdict = rubric.read(json.dumps({name: {"score": score, "reason": "so"} for name, score in scores.items()}))
    assert verdict.mean == pytest.approx(3)
    assert verdict.scores == scores and verdict.reasons["clarity"] == "so"


@pytest.mark.parametrize(
    ("written", "meant"), [(4, 4), (4.0, 4), ("4", 4), ("4/5", 4), ("5 out of 5", 5), (6, None), (0, None),
                           (3.5, None), (True, None), (None, None), ("good", None)]
)  # fmt: skip
def test_what_counts_as_a_score(written: object, meant: int | None) -> None:
    text = json.dumps({name.replace("_", " ").title(): {"score": written, "reason": ""} for name in rubric.CRITERIA})
    if meant is None:
        with pytest.raises(ValueError, match="relevance: .* is no whole number from 1 to 5"):
            rubric.read(text)
    else:
        assert rubric.read(text).mean == meant


def test_a_criterion_that_is_missing_is_named() -> None:
    with pytest.raises(ValueError, match="completeness is missing"):
        rubric.read('{"relevance": 3}')


@pytest.mark.parametrize(
    ("straight", "swapped", "follows"),
    [("first", "second", "one"), ("second", "first", "other"), ("tie", "tie", "tie"), ("first", "first", "tie"),
     ("second", "second", "tie"), ("first", "tie", "tie"), ("tie", "first", "tie")],
)  # fmt: skip
def test_only_who_is_preferred_in_both_orders_has_won(straight: str, swapped: str, follows: str) -> None:
    assert pairwise.outcome(straight, swapped) == follows  # type: ignore[arg-type]


def test_the_standing_counts_ties_half() -> None:
    won, lost, tied, torn = ("first", "second"), ("second", "first"), ("tie", "tie"), ("first", "first")
    found = pairwise.standing([won] * 6 + [lost] * 2 + [tied] + [torn])  # type: ignore[list-item]
    assert (found.wins, found.losses, found.ties, found.changed) == (6, 2, 2, 1)
    assert found.share.value == pytest.approx(0.7)
    assert found.share.low < 0.7 < found.share.high
    assert found.p == pytest.approx(2 * (1 + 8 + 28) / 256)


def test_a_strong_model_is_no_position_bias() -> None:
    fair = pairwise.position([("first", "second")] * 30)
    assert (fair.first.value, fair.changed.value, fair.biased) == (0.5, 0.0, False)
    torn = pairwise.position([("first", "first")] * 8)
    assert torn.biased and torn.first.value == 1 and torn.changed.value == 1
    mixed = pairwise.position([("first", "first")] * 4 + [("second", "second")] * 4)
    assert not mixed.biased and mixed.changed.value == 1


class Compass:
    """An encoder with directions that can be worked out by hand."""

    def __init__(self, **vectors: tuple[float, float]) -> None:
        self.vectors = vectors

    def __call__(self, texts: list[str]) -> list[object]:
        return [type("Encoded", (), {"sentence": np.array(self.vectors[text])})() for text in texts]


def test_relevancy_is_the_mean_cosine_of_guessed_questions() -> None:
    """cos 0° = 1, cos 60° = 0.5, cos 90° = 0: 0.5."""
    compass = Compass(real=(1, 0), same=(1, 0), near=(0.5, 3**0.5 / 2), far=(0, 1))
    guessed = relevancy.read('{"questions": ["same", "near", "far", "one too many"], "noncommittal": false}')
    assert relevancy.relevancy("real", guessed, compass) == pytest.approx(0.5)  # type: ignore[arg-type]
    evading = relevancy.read('{"questions": ["same"], "noncommittal": "yes"}')
    assert relevancy.relevancy("real", evading, compass) == 0  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="expected"):
        relevancy.read('{"questions": []}')


def test_relevancy_with_the_real_encoder_prefers_what_was_asked() -> None:
    asked = "How much should I sleep before a marathon?"
    near = relevancy.Guessed(["How many hours of sleep do I need before a marathon?"], False)
    far = relevancy.Guessed(["Which wine goes with cheese?"], False)
    assert relevancy.relevancy(asked, near, shared()) > 0.8 > 0.3 > relevancy.relevancy(asked, far, shared())


def test_faithfulness_is_the_share_of_supported_claims() -> None:
    """Three of four claims stand in the context."""
    claims = faithfulness.read(json.dumps({"claims": [
        {"claim": "a", "supported": True}, {"claim": "b", "supported": "yes"}, {"claim": "c", "supported": 1},
        {"claim": "d", "supported": False},
    ]}))  # fmt: skip
    assert faithfulness.faithfulness(claims) == pytest.approx(0.75)
    assert faithfulness.faithfulness([]) is None
    with pytest.raises(ValueError, match="true or false"):
        faithfulness.read('{"claims": [{"claim": "a", "supported": "perhaps"}]}')


def test_inconsistency_is_a_mean_over_samples() -> None:
    """Two samples support the first sentence; one does not support the second, the other cannot tell."""
    verdicts = [
        consistency.read('{"supported": ["yes", "no"]}'),
        consistency.read('{"supported": ["Yes.", "unclear"]}'),
    ]
    assert consistency.inconsistency(verdicts, 2) == [0.0, 0.75]
    assert consistency.flagged([0.0, 0.75]) == [1]
    assert consistency.inconsistency([[0.0, 1.0]], 3) == []
    assert consistency.sentences("Sleep long. Eat:\n- rice\n- 60 g of oats. Done!") == [
        "Sleep long.", "Eat:", "- rice", "- 60 g of oats.", "Done!"
    ]  # fmt: skip


# --- a judge that is a server ----------------------------------------------------------------------------------------


def better(one: str, other: str) -> str:
    """This judge likes answers with figures."""
    mine, yours = len(re.findall(r"\d", one)), len(re.findall(r"\d", other))
    return "tie" if mine == yours else "1" if mine > yours else "2"


def wise(request: Asked) -> Reply:
    """Judges by what stands in the prompt, as a model would."""
    text = request.body["messages"][-1]["content"]
    if text.startswith("Two answers"):
        one, other = text.split("Answer 1:\n")[1].split("\n\nGive a short")[0].split("\n\nAnswer 2:\n")
        return Reply(chat({"reason": "figures", "better": better(one, other)}))
    if text.startswith("You judge"):
        answer = text.split("Answer:\n")[1].split("\n\nGive a short")[0]
        score = 5 if re.search(r"\d", answer) else 2
        return Reply(chat({name: {"reason": "as it is", "score": score} for name in rubric.CRITERIA}))
    if text.startswith("Here is an answer"):
        return Reply(chat({"questions": [f"How do I train {text.split()[-1]}?"] * 3, "noncommittal": False}))
    if text.startswith("List every"):
        claims = text.split("Answer:\n")[1].split(". ")
        context = text.split("Context:\n")[1].split("\n\nQuestion")[0]
        return Reply(chat({"claims": [{"claim": each, "supported": each.strip(".") in context} for each in claims]}))
    sample, listed = text.removeprefix("Text:\n").split("\n\nSentences:\n")
    said = [line.partition(". ")[2] for line in listed.split("\n\n")[0].split("\n")]
    return Reply(chat({"supported": ["yes" if each in sample else "no" for each in said]}))


def candidate(name: str, answer: Callable[[int], str], count: int = 12, **about: Callable[[int], object]) -> Candidate:
    items = {
        f"question {n}": Item(f"question {n}?", answer(n), f"run {n} kilometres easily",
                              **{key: value(n) for key, value in about.items()})  # type: ignore[arg-type]
        for n in range(count)
    }  # fmt: skip
    return Candidate(name, items)


GOOD = candidate("good", lambda n: f"Run {n} kilometres in {n + 5} minutes each.")
BAD = candidate("bad", lambda n: f"It depends on you {'and you ' * (n % 3)}.")


def judged(
    tmp_path: Path, script: Callable[[Asked], Reply], *candidates: Candidate, judges: int = 1, **given: object
) -> tuple[Judgement, list[Asked]]:
    with Scripted(script) as server:
        endpoints = [Endpoint(f"m{number}", server.address, name=f"judge {number}") for number in range(judges)]
        with Journal(tmp_path / "journal.jsonl") as journal:
            return judge(candidates, endpoints, journal, encoder=shared(), **given), server.requests  # type: ignore[arg-type]


def test_a_planted_worse_model_loses(tmp_path: Path) -> None:
    found, _ = judged(tmp_path, wise, GOOD, BAD)
    standing = found.pairs[0].standing
    assert (standing.wins, standing.losses, standing.ties) == (12, 0, 0)
    assert standing.share.low > 0.5 and standing.p < 0.001
    assert (np.mean(found.scores(GOOD)), np.mean(found.scores(BAD))) == (5, 2)
    assert not found.position("judge 0").biased
    assert found.missing == 0
    figures = summary(found)
    assert figures["rubric"]["good"]["clarity"] == {"value": 5, "low": 5, "high": 5, "count": 12}
    assert figures["reference"]["good"]["rouge_l"] > figures["reference"]["bad"]["rouge_l"] > -1


def test_a_planted_position_bias_is_found_and_wins_nothing(tmp_path: Path) -> None:
    def vain(request: Asked) -> Reply:
        if request.body["messages"][-1]["content"].startswith("Two answers"):
            return Reply(chat({"reason": "it came first", "better": "1"}))
        return wise(request)

    found, _ = judged(tmp_path, vain, GOOD, BAD, kinds=["pairs"])
    assert found.pairs[0].standing.wins == found.pairs[0].standing.losses == 0
    assert found.position("judge 0").biased
    assert found.position("judge 0").first.value == 1
    assert summary(found)["position"]["judge 0"]["biased"] is True


def test_each_pair_is_asked_in_both_orders_and_the_same_words_not_at_all(tmp_path: Path) -> None:
    half = candidate("half", lambda n: GOOD.items["question 0"].answer if n == 0 else "No.")
    found, requests = judged(tmp_path, wise, GOOD, half, kinds=["pairs"])
    prompts = [each.body["messages"][-1]["content"] for each in requests]
    firsts = [text.split("Answer 1:\n")[1].split("\n\n")[0] for text in prompts]
    assert len(prompts) == 22 and firsts.count("No.") == 11
    assert found.pairs[0].choices["question 0"] == ("tie", "tie")
    assert (found.pairs[0].standing.wins, found.pairs[0].standing.ties) == (11, 1)


def test_two_judges_are_compared(tmp_path: Path) -> None:
    """The first: six for one, six for the other. The second says tie to one of these. Seen 11/12, by chance
    1/2 * 5/12 + 1/2 * 1/2 = 11/24: kappa 11/13."""
    even = candidate("even", lambda n: f"Run {n}." if n % 2 == 0 else "Run.")
    odd = candidate("odd", lambda n: f"Run {n}." if n % 2 else "Run.")

    def script(request: Asked) -> Reply:
        text = request.body["messages"][-1]["content"]
        undecided = request.body["model"] == "m1" and text.startswith("Two answers") and "question 0?" in text
        return Reply(chat({"reason": "", "better": "tie"})) if undecided else wise(request)

    found, _ = judged(tmp_path, script, even, odd, judges=2, kinds=["pairs", "rubric"])
    assert found.agreements[0].pairs == pytest.approx(11 / 13)
    assert found.agreements[0].scores == 1


def test_broken_json_is_mended_or_asked_for_again(tmp_path: Path) -> None:
    """Said around it, fenced, with a comma too many: read. Cut, or a score of 9: asked for again."""
    seen: dict[str, int] = {}

    def sloppy(request: Asked) -> Reply:
        text = request.body["messages"][-1]["content"]
        number = int(re.search(r"question (\d+)", text)[1])  # type: ignore[index]
        seen[str(number)] = seen.get(str(number), 0) + 1
        whole = json.dumps({name: {"reason": "x", "score": 4} for name in rubric.CRITERIA})
        forms = [
            whole, f"Here is my verdict:\n{whole}\nI hope that helps.", f"```json\n{whole}\n```", whole[:-1] + ",}",
            whole[:-30] if seen[str(number)] == 1 else whole,
            whole.replace("4", "9") if seen[str(number)] == 1 else whole,
        ]  # fmt: skip
        return Reply(chat(forms[number % 6]))

    found, _ = judged(tmp_path, sloppy, GOOD, kinds=["rubric"])
    assert found.scores(GOOD) == [4.0] * 12 and found.missing == 0
    assert [seen[str(n)] for n in range(6)] == [1, 1, 1, 1, 2, 2]


def test_a_verdict_that_stays_unreadable_is_counted_and_no_score(tmp_path: Path) -> None:
    def moody(request: Asked) -> Reply:
        text = request.body["messages"][-1]["content"]
        return Reply(chat("I would rather not.")) if "question 3?" in text else wise(request)

    found, _ = judged(tmp_path, moody, GOOD, kinds=["rubric"])
    assert len(found.scores(GOOD)) == 11 and found.missing == 1


def test_a_run_that_was_stopped_judges_nothing_twice(tmp_path: Path) -> None:
    _, first = judged(tmp_path, wise, GOOD, BAD)
    found, second = judged(tmp_path, wise, GOOD, BAD)
    assert len(first) > 40 and second == [] and found.pairs[0].standing.wins == 12
    changed = candidate("bad", lambda n: "Now it is 5.")
    found, third = judged(tmp_path, wise, GOOD, changed, kinds=["rubric"])
    assert len(third) == 12 and np.mean(found.scores(changed)) == 5, "another answer is another question"


def test_faithfulness_and_consistency_come_from_context_and_samples(tmp_path: Path) -> None:
    lying = candidate(
        "lying",
        lambda n: "Sleep helps. Wine helps.",
        3,
        context=lambda n: "Sleep helps",
        samples=lambda n: ("Sleep helps.",) * 2,
    )
    found, _ = judged(tmp_path, wise, lying, kinds=["faithfulness", "consistency"])
    assert found.faithfulness["lying"].value == 0.5
    assert found.inconsistency["lying"].value == 0.5
    assert {flag.sentence for flag in found.flags} == {"Wine helps."} and len(found.flags) == 3


def test_the_best_of_several_answers_is_the_highest_and_then_the_shortest() -> None:
    def verdict(score: int) -> rubric.Verdict:
        return rubric.Verdict(dict.fromkeys(rubric.CRITERIA, score), {})

    low, high, brief = Item("q", "a long answer"), Item("q", "a good answer"), Item("q", "a good one")
    verdicts = {("j", low.key): verdict(2), ("j", high.key): verdict(4), ("j", brief.key): verdict(4)}
    assert best([low, high, brief], verdicts) is brief
    assert best([low], {}) is low


def test_what_cannot_be_judged_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"prompt": "x", "completion": "y"}\n')
    (tmp_path / "b.jsonl").write_text('{"prompt": "z", "completion": "y"}\n')
    with Journal(tmp_path / "j.jsonl") as journal:
        with pytest.raises(OttoError, match="a and b have no question in common"):
            judge([read(tmp_path / "a.jsonl"), read(tmp_path / "b.jsonl")], [], journal)
        with pytest.raises(OttoError, match="--what taste: must be some of rubric"):
            judge([read(tmp_path / "a.jsonl")], [], journal, kinds=["taste"])
        with pytest.raises(OttoError, match="two files are called 'a'"):
            judge([read(tmp_path / "a.jsonl"), read(tmp_path / "a.jsonl")], [], journal)


def test_the_verb_leaves_figures_and_one_page(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    for each in (GOOD, BAD):
        rows = [
            {"prompt": item.asked, "completion": item.answer, "reference": item.reference}
            for item in each.items.values()
        ]
        (tmp_path / f"{each.name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with Scripted(wise) as server:
        (tmp_path / "judges.toml").write_text(f'[[endpoints]]\nmodel = "m"\nname = "j"\naddress = "{server.address}"\n')
        files = [tmp_path / "good.jsonl", tmp_path / "bad.jsonl"]
        arguments = ["judge", *files, "--judges", tmp_path / "judges.toml", "--to", tmp_path / "out"]
        result = CliRunner().invoke(app, [str(each) for each in arguments])
    assert result.exit_code == 0, result.output
    page = (tmp_path / "out" / "report.html").read_text()
    assert page.count("data:image/png;base64") == 3 and "http://" not in page and "https://" not in page
    assert "no bias found" in page and "In pairs, both orders" in result.stdout
    figures = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert figures["pairs"][0]["wins"] == 12
