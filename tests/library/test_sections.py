from __future__ import annotations

from pathlib import Path

import pytest

from otto.errors import OttoError
from otto.library import sections


def test_markdown_is_cut_at_its_headings(tmp_path: Path) -> None:
    path = tmp_path / "guide.md"
    path.write_text("Before.\n\n# Rest\n## Sleep\nEight hours.\n\n```\n# no heading\n```\n\nEating\n------\nRice.\n")
    found = [(each.title, each.text) for each in sections.read(path)]
    assert found == [
        ("guide", "Before."),
        ("Rest › Sleep", "Eight hours.\n\n```\n# no heading\n```"),
        ("Rest › Eating", "Rice."),
    ]
    assert [each.place for each in sections.read(path)] == [0, 1, 2]


def test_html_is_cut_likewise_and_holds_no_script(tmp_path: Path) -> None:
    path = tmp_path / "guide.html"
    path.write_text(
        "<head><title>x</title></head><body><script>alert('#')</script><h1>Rest</h1><p># of hours:\n 8</p>"
        "<h2>Sleep &amp; naps</h2><ul><li>dark<li>cool</ul>"
    )
    assert [(each.title, each.text) for each in sections.read(path)] == [
        ("Rest", "# of hours: 8"), ("Rest › Sleep & naps", "- dark\n- cool")
    ]  # fmt: skip


def pdf(path: Path, pages: list[str], titles: list[tuple[str, int]] = []) -> Path:  # noqa: B006
    """Written by hand, one line of text a page, so that reading is tested against the format and not against itself."""
    pypdf = pytest.importorskip("pypdf")
    from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

    writer = pypdf.PdfWriter()
    font = DictionaryObject(
        {
            NameObject("/Type"): NameObject("/Font"),
            NameObject("/Subtype"): NameObject("/Type1"),
            NameObject("/BaseFont"): NameObject("/Helvetica"),
        }  # fmt: skip
    )
    for text in pages:
        page = writer.add_blank_page(300, 300)
        stream = DecodedStreamObject()
        stream.set_data(f"BT /F1 12 Tf 20 200 Td ({text}) Tj ET".encode())
        page[NameObject("/Contents")] = writer._add_object(stream)
        page[NameObject("/Resources")] = DictionaryObject(
            {NameObject("/Font"): DictionaryObject({NameObject("/F1"): font})}
        )
    for title, page_number in titles:
        writer.add_outline_item(title=title, page_number=page_number)
    with path.open("wb") as file:
        writer.write(file)
    return path


def test_a_pdf_is_cut_at_its_outline_or_else_into_pages(tmp_path: Path) -> None:
    plain = pdf(tmp_path / "plain.pdf", ["Sleep long.", "Eat rice."])
    assert [(each.title, each.text) for each in sections.read(plain)] == [
        ("page 1", "Sleep long."),
        ("page 2", "Eat rice."),
    ]
    titled = pdf(
        tmp_path / "titled.pdf", ["Title.", "Sleep long.", "And dark.", "Eat rice."], [("Sleep", 1), ("Food", 3)]
    )
    assert [(each.title, each.text) for each in sections.read(titled)] == [
        ("titled", "Title."), ("Sleep", "Sleep long.\nAnd dark."), ("Food", "Eat rice.")
    ]  # fmt: skip
    assert len(sections.read(titled, by="pages")) == 4


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.7\nnothing")
    (tmp_path / "empty.md").write_text("\n\n")
    pytest.importorskip("pypdf")
    with pytest.raises(OttoError, match="broken.pdf: is no PDF"):
        sections.read(tmp_path / "broken.pdf")
    with pytest.raises(OttoError, match="holds no text"):
        sections.read(tmp_path / "empty.md")
    with pytest.raises(OttoError, match="cannot be read"):
        sections.read(tmp_path / "nowhere.md")
