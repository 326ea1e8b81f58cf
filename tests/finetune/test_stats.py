from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from finetune import statspage
from finetune.cli.data import app
from finetune.shapes import Conversation, lines, of_calls, read_text
from finetune.stats import Lengths, Ruler, measure, tokenizer
from otto.call import parse
from otto.errors import OttoError
from otto.prompt import ChatFormat, chat_format

BARE = ChatFormat("bare", "{system} {user} {answer}", "{user} {answer}", " {user} {answer}")
ROWS = [
    *(of_calls(f"lights on in room {number}", parse('lights(state="on")'), "mine") for number in range(6)),
    of_calls("Lights on in room 1!", parse('lights(state="on")'), "mine"),
    of_calls("stop that <b>noise</b>", parse("stop()"), "other file"),
]


def spaced_tokenizer(path: Path) -> Path:
    """One token a character; blanks too."""
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers

    made = Tokenizer(models.WordLevel({"?": 0}, unk_token="?"))
    made.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")  # type: ignore[assignment]
    made.save(str(path))
    return path


def test_percentiles_are_values_that_occur() -> None:
    found = Lengths.of([*range(1, 101)])
    assert (found.least, found.median, found.p95, found.p99, found.most, found.mean) == (1, 50, 95, 99, 100, 50.5)
    assert Lengths.of([7]) == Lengths(7, 7, 7, 7, 7, 7.0)


def test_lengths_are_those_of_the_framed_row() -> None:
    row = of_calls("lights on", parse("lights()"))
    assert Ruler(BARE).lengths(row) == (2, 1)
    assert Ruler(BARE, system="You are Otto.").lengths(row) == (5, 1)
    plain = chat_format("plain")
    opening, completion = plain.opening(row.messages[:1]), plain.completion(row.answer)
    assert Ruler(plain).lengths(row) == (len(opening.split()), len(completion.split()))


def test_tokens_are_counted_with_a_tokenizer(tmp_path: Path) -> None:
    made = tokenizer(str(spaced_tokenizer(tmp_path / "tokenizer.json")))
    ruler = Ruler(BARE, made)
    assert ruler.unit == "tokens"
    assert ruler.lengths(of_calls("lights on", parse("lights()"))) == (len("lights on"), len(" lights()"))
    assert tokenizer(str(tmp_path)) is not None, "a folder has it, too"
    (tmp_path / "broken.json").write_text("{")
    with pytest.raises(OttoError, match=r"broken\.json: no tokenizer"):
        tokenizer(str(tmp_path / "broken.json"))


def test_the_figures_of_a_small_set() -> None:
    found = measure({"train": ROWS[:6], "test": ROWS[6:]}, Ruler(BARE))
    assert found.rows == {"train": 6, "test": 2}
    assert found.by_skill == {"lights": 7, "stop": 1} and found.by_source == {"mine": 7, "other file": 1}
    assert found.same == 1 and found.near == 6
    assert found.words["lights"] == 7 and "in" not in found.words and found.vocabulary == 14
    assert found.whole.most == 6 and found.suggested_max_length == 64
    assert 0.5 < found.balance < 0.6  # -(7/8 ld 7/8 + 1/8 ld 1/8)


def test_the_window_holds_the_longest_row() -> None:
    for words, wanted in ((62, 64), (63, 64), (64, 128)):
        row = of_calls("a" + " a" * (words - 1), parse("stop()"))
        assert measure({"": [row]}, Ruler(BARE)).suggested_max_length == wanted


def test_balance_is_one_where_all_are_as_frequent() -> None:
    even = [of_calls(name, parse(f"{name}()")) for name in ("a", "b", "c")]
    assert measure({"": even}, Ruler(BARE)).balance == pytest.approx(1)
    prose = read_text('{"prompt": "why", "completion": "so"}', "a.jsonl")
    assert measure({"": prose}, Ruler(BARE)).balance == 1
    with pytest.raises(OttoError, match="no rows"):
        measure({"": []}, Ruler(BARE))


def test_pictures_and_one_page_that_needs_nothing_else(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    rows: list[Conversation] = [*ROWS, of_calls("電気を $5 つけて", parse("lights()"))]
    found = measure({"all": rows}, Ruler(BARE))
    pictures = statspage.draw(found, tmp_path)
    assert [file.name for file in pictures] == ["lengths.png", "balance.png", "words.png"]
    assert all(file.read_bytes().startswith(b"\x89PNG") for file in pictures)
    statspage.write(found, tmp_path / "stats.html", pictures)
    page = (tmp_path / "stats.html").read_text()
    assert page.count("data:image/png;base64,") == 3 and "http" not in page
    assert "<b>" not in page and "電気を" in page


def test_the_verb_reads_a_data_set_and_writes_a_report(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    (tmp_path / "rows.jsonl").write_text(lines(ROWS))
    result = CliRunner().invoke(
        app, ["stats", str(tmp_path / "rows.jsonl"), "--words", "-o", str(tmp_path / "out"), "--json"]
    )
    assert result.exit_code == 0, result.output
    figures = json.loads(result.stdout)
    assert figures == json.loads((tmp_path / "out" / "stats.json").read_text())
    assert figures["unit"] == "words" and figures["lengths"]["whole"]["most"] >= 6
    shown = CliRunner().invoke(app, ["stats", str(tmp_path / "rows.jsonl"), "--words"]).stdout
    assert "suggested max_length  64 words" in shown and "lights 7" in shown
