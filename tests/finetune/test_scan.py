from __future__ import annotations

from pathlib import Path

import pytest

from finetune.scan import redacted, scan
from otto.examples import file as examplefile
from tests import processor

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("write to ada.lovelace+otto@mail.example.org now", "e-mail address"),
        ("write to ada at example dot com", "e-mail address"),
        ("call +49 170 1234567", "phone number"),
        ("ring 0170/1234567 later", "phone number"),
        ("ring me at (555) 123-4567", "phone number"),
        ("555-123-4567", "phone number"),
        ("5551234567", "phone number"),
        ("my key is sk-proj-abcdefghijklmnop1234", "key"),
        ("hf_abcdefghijklmnopqrstuvwxyz", "key"),
        ("ghp_abcdefghijklmnopqrstuvwxyz0123", "key"),
        ("AKIAIOSFODNN7EXAMPLE", "key"),
        ("password: hunter2hunter22", "password or key"),
        ('api_key="a1b2c3d4e5f6g7h8"', "password or key"),
        ("0123456789abcdef0123456789abcdef01234567", "key"),
        ("-----BEGIN RSA PRIVATE KEY-----", "private key"),
        ("https://ada:secret@host/x", "address with a password"),
        ("DE89 3704 0044 0532 0130 00", "bank account"),
        ("pay with 4111 1111 1111 1111", "card number"),
    ],
)
def test_secrets_and_personal_data_are_found(text: str, kind: str) -> None:
    [finding] = scan(text)
    assert finding.kind == kind
    assert len(str(finding).removeprefix(kind)) == 4, "no more of it is shown than two characters"


@pytest.mark.parametrize(
    "text",
    [
        "what is 123456789 times 1000000000",
        "3.14159265358979",
        "2026-11-20 12:00:00",
        "on 12.05.2026 at 10:30",
        "192.168.100.100",
        "the secret ingredient is cinnamon",
        "set a token of appreciation",
        "remind me in 10 20 30 minutes",
        "meet me at room 12",
        "disk-usage-of-every-folder-in-the-house",
        "1234 5678 1234 5678 1234",
    ],
)
def test_ordinary_sentences_pass(text: str) -> None:
    assert scan(text) == []


def test_what_is_found_can_be_replaced() -> None:
    assert redacted("mail ada@example.com or 555-123-4567 ok") == "mail [e-mail address] or [phone number] ok"


def test_no_bundled_example_holds_any() -> None:
    texts = [example.text for file in (ROOT / "examples").iterdir() for example in examplefile.read(file).examples]
    assert len(texts) > 5000
    assert [text for text in texts if scan(text)] == []


@pytest.mark.parametrize("hostile", ["1 " * 20_000, "a@" * 20_000, "a." * 20_000, "a at b dot " * 5_000, "(" * 40_000])
def test_a_hostile_text_takes_no_longer_than_any(hostile: str) -> None:
    assert processor.seconds(lambda: scan(hostile), enough=5) < 5
