"""Secrets and personal data in texts that are about to become training data.

    >>> [str(finding) for finding in scan("write to ada@example.com")]
    ['e-mail address a…m']

A model that was trained on a key or a number can say it to anybody. So a data set is only written when this finds
nothing, and what is found is shown by its first and last character alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """Something in a text that does not belong into a data set."""

    kind: str
    """`e-mail address`, `phone number`, `key` …"""
    start: int
    end: int
    """Characters from the start of the text."""
    hint: str
    """Its first and last character."""

    def __str__(self) -> str:
        return f"{self.kind} {self.hint}"


def scan(text: str) -> list[Finding]:
    """Everything found, from left to right; where two overlap, the first of the list of kinds."""
    found: list[Finding] = []
    lowered = text.lower()
    for kind, needed, pattern, really in _KINDS:
        for match in pattern.finditer(text) if needed.lower() in lowered else ():
            words = match.group()
            taken = any(match.start() < other.end and other.start < match.end() for other in found)
            if not taken and really(words):
                found.append(Finding(kind, match.start(), match.end(), f"{words[0]}…{words[-1]}"))
    return sorted(found, key=lambda finding: finding.start)


def redacted(text: str) -> str:
    """The text with each finding replaced by its kind: `write to [e-mail address]`."""
    for finding in reversed(scan(text)):
        text = f"{text[: finding.start]}[{finding.kind}]{text[finding.end :]}"
    return text


def _any(words: str) -> bool:
    return True


def _digits(words: str) -> list[int]:
    return [int(character) for character in words if character in "0123456789"]


def _phone(words: str) -> bool:
    """Not a date, nor a number to calculate with, and as many digits as a number with its area code has (ITU-T E.164:
    15 at most)."""
    if not 9 <= len(_digits(words)) <= 15 or _DATE.search(words) or _ADDRESS.fullmatch(words):
        return False
    if words.isdecimal():
        return words[0] == "0" or (len(words) == 10 and words[0] in "23456789" and not words.endswith("000"))
    return not re.fullmatch(r"\d+[.,]\d+", words)


def _card(words: str) -> bool:
    """Whether the check digit is right (ISO/IEC 7812, Luhn)."""
    digits = _digits(words)
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return 13 <= len(digits) <= 19 and len(set(digits)) > 1 and (sum(doubled) + sum(digits[-1::-2])) % 10 == 0


def _iban(words: str) -> bool:
    """Whether the check digits are right (ISO 13616)."""
    plain = re.sub(r"\s", "", words).upper()
    number = "".join(str(int(character, 36)) for character in plain[4:] + plain[:4])
    return 15 <= len(plain) <= 34 and int(number) % 97 == 1


def _mixed(words: str) -> bool:
    """Letters and digits both, as keys have and words have not."""
    value = words[re.search(r"[:=\s]\s*[\"']?", words).end() :] if re.search(r"[:=\s]", words) else words  # type: ignore[union-attr]
    return bool(re.search(r"\d", value) and re.search(r"[A-Za-z]", value))


_DATE = re.compile(
    r"(?<!\d)(?:(?:19|20)\d\d[-./ ][01]?\d[-./ ][0-3]?\d|[0-3]?\d[-./ ][0-3]?\d[-./ ](?:19|20)\d\d)(?!\d)"
)
_ADDRESS = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")
_START, _END = r"(?<![A-Za-z0-9_-])", r"(?![A-Za-z0-9_-])"

_KEY = re.compile(
    _START + r"(?:sk-[A-Za-z0-9_-]{16,}"  # OpenAI, Anthropic and others
    r"|hf_[A-Za-z0-9]{20,}"
    r"|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[A-Za-z0-9_-]{16,}"
    r"|xox[abeoprs]-[A-Za-z0-9-]{10,}"
    r"|A(?:KIA|SIA)[A-Z0-9]{16}"
    r"|AIza[A-Za-z0-9_-]{30,}|ya29\.[A-Za-z0-9_-]{20,}"
    r"|[rs]k_(?:live|test)_[A-Za-z0-9]{16,}"
    r"|npm_[A-Za-z0-9]{30,}|pypi-[A-Za-z0-9_-]{30,}"
    r"|eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{5,})"  # JSON web token
     + _END
)
_NAMED_SECRET = re.compile(
    r"(?i)\b(?:api[ _-]?key|access[ _-]?token|auth[ _-]?token|token|secret|password|passwort|bearer)\b"
    r"[\"']?\s*(?:[:=]\s*|\s)[\"']?[A-Za-z0-9+/_.~-]{12,200}"
)
_LONG_HEX = re.compile(_START + r"(?:[0-9a-f]{40}|[0-9a-f]{64}|[0-9a-f]{32})" + _END)
_WITH_PASSWORD = re.compile(r"(?<![a-z0-9+.-])[a-z][a-z0-9+.-]{1,20}://[^\s/:@]{1,80}:[^\s/@]{1,80}@")
_MAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){0,4}\.[A-Za-z]{2,24}\b")
_SPOKEN_MAIL = re.compile(
    r"(?i)\b[\w.+-]{1,64} at (?:[\w-]{1,63} dot ){1,4}(?:com|org|net|edu|io|de|fr|uk|eu|ch|at|it|es)\b"
)
_ACCOUNT = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Za-z0-9]{4}){2,7}(?: ?[A-Za-z0-9]{1,4})?\b")
_CARD = re.compile(r"(?<![\d.])\d(?:[ -]?\d){12,18}(?![\d.])")
_NUMBER = re.compile(r"(?<![\w.+])(?<!\d[ .-])(?:\+|00|\()?\d(?:[ ./()-]{0,3}\d){8,14}(?![ .\w-]?\d)")
_AMERICAN_NUMBER = re.compile(r"(?<![\w-])\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}(?![\w-])")
_KINDS: tuple[tuple[str, str, re.Pattern[str], Callable[[str], bool]], ...] = (
    ("private key", "-----BEGIN", re.compile(r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----"), _any),
    ("key", "", _KEY, _any),
    ("password or key", "", _NAMED_SECRET, _mixed),
    ("key", "", _LONG_HEX, _mixed),
    ("address with a password", "://", _WITH_PASSWORD, _any),
    ("e-mail address", "@", _MAIL, _any),
    ("e-mail address", " dot ", _SPOKEN_MAIL, _any),
    ("bank account", "", _ACCOUNT, _iban),
    ("card number", "", _CARD, _card),
    ("phone number", "", _NUMBER, _phone),
    ("phone number", "", _AMERICAN_NUMBER, _any),
)
"""What it is, what surely stands in it (a text without is not searched), how it looks, what else must be true."""
