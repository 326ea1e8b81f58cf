"""Question sets: from topics, from a document, from people."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from finetune import questions
from finetune.cli.data import app
from finetune.questions import Run, cleaned, from_people, parted, points
from finetune.scan import scan
from finetune.tasks.coach import OUTLINE, QUESTIONS
from otto.errors import OttoError
from otto.library import sections
from tests.finetune.scripted import Asked, Reply, Scripted, chat

TOPICS = (
    "training", "recovery", "nutrition", "racing", "strength", "mental training", "musculoskeletal system", "motivation"
)  # fmt: skip


def run(*arguments: object) -> str:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if isinstance(result.exception, OttoError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


def rows(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_the_shipped_set_is_large_varied_clean_and_covers_every_topic(tmp_path: Path) -> None:
    run("questions", "--shipped", "-o", tmp_path / "q.jsonl")
    found = rows(tmp_path / "q.jsonl")
    assert len(found) >= 250
    assert all(sum(row["topic"] == topic for row in found) >= 25 for topic in TOPICS)
    assert {row["topic"] for row in found} == set(TOPICS) == {point.topic for point in points(OUTLINE)}
    assert all(questions.objection(row["question"]) == "" for row in found)
    firsts = {tuple(row["question"].split()[:2]) for row in found}
    assert len(firsts) > 60
    assert not any(scan(row["question"]) for row in found)
    assert QUESTIONS.is_file()


def test_a_model_writes_questions_about_each_point_of_an_outline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outline = tmp_path / "outline.md"
    outline.write_text("# Any\n## rest\n- sleep at night\n- sauna and cold\n## food\n- gels\n")

    def script(request: Asked) -> Reply:
        about = request.body["messages"][-1]["content"].split("coach about this:")[1].split("\n\n")[1]
        several = [f"How does {about} change my week of running?", f"How does {about} change my week of running??",
                   "Why?", f"Call me on 0171 2345678 about {about}"]  # fmt: skip
        return Reply(chat({"questions": several}))

    with Scripted(script) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.address)
        arguments = ("questions", "--topics", outline, "-n", 4, "--model", "m", "-o", tmp_path / "q.jsonl")
        run(*arguments)
        asked = len(server.requests)
        run(*arguments)
    assert asked == len(server.requests) == 3, "a second run asks nothing again"
    assert rows(tmp_path / "q.jsonl") == [
        {"question": "How does rest: sleep at night change my week of running?", "topic": "rest", "source": "outline"},
        {"question": "How does rest: sauna and cold change my week of running?", "topic": "rest", "source": "outline"},
        {"question": "How does food: gels change my week of running?", "topic": "food", "source": "outline"},
    ]  # fmt: skip


WORDS = "sleep breakfast hills shoes cadence holidays injuries altitude mornings windchill".split()  # noqa: SIM905
DOCUMENT = "".join(
    f"# Part {name}\n{' '.join(f'{name} says word {number}' for number in range(12))}\n\n" for name in WORDS
)


def test_test_questions_are_about_other_sections_than_training_questions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "guide.md").write_text(DOCUMENT)

    def script(request: Asked) -> Reply:
        title = request.body["messages"][-1]["content"].split('"')[1]
        return Reply(chat({"questions": [f"How do {title} and {title.upper()} go together in {title}?"]}))

    with Scripted(script) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.address)
        run("questions", "--document", tmp_path / "guide.md", "--model", "m", "--test", 0.3, "-o", tmp_path / "g.jsonl")
    train, test = rows(tmp_path / "g.jsonl"), rows(tmp_path / "g.test.jsonl")
    assert (len(train), len(test)) == (7, 3)
    assert not {row["section"] for row in train} & {row["section"] for row in test}
    assert all(row["context"].startswith(f"{row['section'].split()[1]} says word 0") for row in train + test)


def test_which_sections_are_for_the_test_depends_on_their_text_alone(tmp_path: Path) -> None:
    (tmp_path / "guide.md").write_text(DOCUMENT)
    several = sections.read(tmp_path / "guide.md")
    _, test = parted(several, 0.2)
    _, again = parted(list(reversed(several)), 0.2)
    assert {each.title for each in test} == {each.title for each in again}
    assert parted(several[:1], 0.5) == (several[:1], [])
    assert len(parted(several[:2], 0.01)[1]) == 1


def test_a_document_without_a_model(tmp_path: Path) -> None:
    (tmp_path / "guide.md").write_text(DOCUMENT)
    run("questions", "--document", tmp_path / "guide.md", "--offline", "-o", tmp_path / "g.jsonl")
    assert rows(tmp_path / "g.jsonl")[0]["question"].startswith("What should I know about Part ")


FORM = """Timestamp,Full name,E-mail,Your question,Topic
1,Anna Beispiel,a@b.org,"Hi, my name is Anna Beispiel and I run 40 km. How do I pace a half? Thanks, Anna",racing
2,Bob,bob@example.org,How do I pace a half marathon that is hilly?,racing
3,Cy,cy@example.org,how do i pace a half marathon that is hilly,racing
4,Dee,dee@example.org,Why?,other
5,Eve Muster,,"Call +49 171 2345678 or see https://example.org: can Eve Muster run with a cold?",recovery
"""


def test_what_people_asked_is_cleaned_and_counted_once(tmp_path: Path) -> None:
    (tmp_path / "form.csv").write_text(FORM)
    found, dropped = from_people(tmp_path / "form.csv")
    assert [(row.text, row.topic, row.source) for row in found] == [
        ("I run 40 km. How do I pace a half?", "racing", "people"),
        ("How do I pace a half marathon that is hilly?", "racing", "people"),
        ("Call [phone number] or see can run with a cold?", "recovery", "people"),
    ]
    assert [str(each) for each in dropped] == [
        f"{tmp_path / 'form.csv'}:4: nearly the same was asked before",
        f"{tmp_path / 'form.csv'}:5: 1 words; 3 to 80 make a question",
    ]
    run("questions", "--people", tmp_path / "form.csv", "-o", tmp_path / "p.jsonl")
    assert "Beispiel" not in (tmp_path / "p.jsonl").read_text()


def test_a_column_that_is_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "form.csv").write_text(FORM)
    with pytest.raises(OttoError, match="has no column 'Frage'; it has: Timestamp"):
        from_people(tmp_path / "form.csv", "Frage")
    with pytest.raises(OttoError, match="what from"):
        run("questions", "-o", tmp_path / "x.jsonl")


@pytest.mark.parametrize(
    ("written", "left"),
    [
        ("Dear team, how long is a taper? Kind regards, Max Muster", "How long is a taper?"),
        ("how far on sunday?", "How far on sunday?"),
        ("Hi! I regard sleep as key. Am I right?", "I regard sleep as key. Am I right?"),
        ("write to me@example.com, is rest ok?", "Write to [e-mail address], is rest ok?"),
    ],
)
def test_cleaning(written: str, left: str) -> None:
    assert cleaned(written) == left


def test_a_run_shows_what_it_has(tmp_path: Path) -> None:
    several = [questions.Point("rest", "sleep"), questions.Point("rest", "sauna")]
    made = Run(several, 2, "here")
    first, second = made.questions(), made.questions()
    from finetune.ask import Answer

    made.take(Answer(several[0].key, "e", "m", json.dumps({"questions": ["How long should I sleep?"]})))
    next(second)
    assert "How long should I sleep?" in next(second).messages[0].text
    assert "rest: sleep" in next(first).messages[0].text
