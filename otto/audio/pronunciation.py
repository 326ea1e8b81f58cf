"""How words sound: the CMU dictionary that PocketSphinx carries, and rules of spelling for what it lacks.

>>> Pronunciations.english()("mocha")
(('M', 'OW', 'K', 'AH'),)

Phones are ARPABET without stress. The rules know common English spellings only; they are there so that a name that
nobody put into a dictionary can be heard at all.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from otto.errors import ModelFileError

INSTALL = "pip install 'otto-assistant[voice]'"
Sound = tuple[str, ...]
"""Phones in order."""
_VARIANT = re.compile(r"\(\d+\)$")
_LETTERS = {
    "a": "EY", "b": "B IY", "c": "S IY", "d": "D IY", "e": "IY", "f": "EH F", "g": "JH IY", "h": "EY CH", "i": "AY",
    "j": "JH EY", "k": "K EY", "l": "EH L", "m": "EH M", "n": "EH N", "o": "OW", "p": "P IY", "q": "K Y UW",
    "r": "AA R", "s": "EH S", "t": "T IY", "u": "Y UW", "v": "V IY", "w": "D AH B AH L Y UW", "x": "EH K S",
    "y": "W AY", "z": "Z IY",
}  # fmt: skip
# Longest spelling first at each place; "^" and "$" are the word's ends, "V" after a bar needs a vowel to follow.
_RULES = """
tion$=SH AH N|sion$=ZH AH N|ture$=CH ER|ious$=IY AH S|ous$=AH S|ight=AY T|ough=AO|augh=AO|eigh=EY|tch=CH|sch=SH|dge=JH
ck=K|ch=CH|sh=SH|th=TH|ph=F|gh=G|wh=W|^kn=N|^wr=R|^ps=S|qu=K W|ng$=NG|ngs$=NG Z|nk=NG K|mb$=M|x=K S|^x=Z|zz=T S|cc=K
ee=IY|ea=IY|oo=UW|ou=AW|ow=OW|oi=OY|oy=OY|ai=EY|ay=EY|au=AO|aw=AO|oa=OW|ie=IY|ei=EY|ey$=IY|ue$=UW|ew=Y UW|eu=Y UW
ar=AA R|er=ER|ir=ER|or=AO R|ur=ER|air=EH R|ear=IH R|our=AW ER|oor=AO R|eer=IH R|are$=EH R|ore$=AO R|ire$=AY ER
ure$=Y UH R|ce=S|ci=S IH|cy=S IY|ge$=JH|gi=JH IH|gy=JH IY
bb=B|dd=D|ff=F|gg=G|ll=L|mm=M|nn=N|pp=P|rr=R|ss=S|tt=T|le$=AH L|es$=IH Z|ed$=D|e$=|y$=IY|^y=Y|a$=AH|i$=IY|o$=OW|o=AA
a=AE|b=B|c=K|d=D|e=EH|f=F|g=G|h=HH|i=IH|j=JH|k=K|l=L|m=M|n=N|p=P|q=K|r=R|s=S|t=T|u=AH|v=V|w=W|y=IH|z=Z
"""
_MAGIC_E = re.compile(r"([aeiou])([bcdfgklmnprstvz])e$")


class Pronunciations:
    """Looks words up; what it was asked it remembers."""

    def __init__(self, dictionary: Mapping[str, tuple[Sound, ...]]) -> None:
        """`dictionary`: the pronunciations of each known word, the usual one first."""
        self._dictionary = dictionary

    @classmethod
    def english(cls) -> Pronunciations:
        """The dictionary that came with PocketSphinx. Raises `ModelFileError` without it."""
        return _english()

    def __contains__(self, word: str) -> bool:
        """Whether it stands in the dictionary."""
        return word in self._dictionary

    def __call__(self, word: str) -> tuple[Sound, ...]:
        """How `word` may be said; by the rules when it is not in the dictionary."""
        if known := self._dictionary.get(word):
            return known
        if word.endswith("'s") and (stem := self._dictionary.get(word[:-2])):
            return tuple((*sound, "IH", "Z") if sound[-1] in _HISSING else (*sound, "Z") for sound in stem)
        halves = _halves(word, self._dictionary)
        return (tuple(phone for half in halves for phone in self._dictionary[half][0]),) if halves else (by_rule(word),)

    def of(self, words: tuple[str, ...], most: int = 8) -> tuple[Sound, ...]:
        """How some words in a row may be said, at most `most` ways."""
        ways: list[Sound] = [()]
        for word in words:
            ways = [(*before, *sound) for before in ways for sound in self(word)][:most]
        return tuple(ways)


_HISSING = ("S", "Z", "SH", "ZH", "CH", "JH")


class _Lines(Mapping[str, tuple[Sound, ...]]):
    """A dictionary file, parsed line by line when a word is asked for: reading all of it would take a second."""

    def __init__(self, text: str) -> None:
        self._rest: dict[str, str] = {}
        for line in text.splitlines():
            word, _, phones = line.partition(" ")
            self._rest[word] = phones

    def __getitem__(self, word: str) -> tuple[Sound, ...]:
        sounds = [tuple(self._rest[word].split())]
        number = 2
        while phones := self._rest.get(f"{word}({number})"):
            sounds.append(tuple(phones.split()))
            number += 1
        return tuple(sounds)

    def __contains__(self, word: object) -> bool:
        return word in self._rest

    def __iter__(self):  # type: ignore[no-untyped-def]
        return (word for word in self._rest if not _VARIANT.search(word))

    def __len__(self) -> int:
        return sum(1 for _ in self)


@lru_cache(maxsize=1)
def _english() -> Pronunciations:
    path = model_folder() / "cmudict-en-us.dict"
    try:
        return Pronunciations(_Lines(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise ModelFileError(f"{path} cannot be read ({error.strerror}); reinstall it: {INSTALL}") from error


def model_folder() -> Path:
    """Where PocketSphinx keeps its English model. Raises `ModelFileError` without it."""
    from importlib.util import find_spec

    package = find_spec("pocketsphinx")
    if package is None or package.origin is None:
        raise ModelFileError(f"Sphinx needs more packages: {INSTALL}")
    return Path(package.origin).parent / "model" / "en-us"


def by_rule(word: str) -> Sound:
    """The sound that the spelling suggests; letter by letter for what has no vowel."""
    letters = re.sub("[^a-z]", "", word)
    if not re.search("[aeiouy]", letters):
        return tuple(phone for letter in letters for phone in _LETTERS[letter].split()) or ("AH",)
    if found := _MAGIC_E.search(letters):
        return (*_by_parts(letters[: found.start()]), *_LONG[found[1]], *_by_parts(found[2], final=False))
    return _by_parts(letters) or ("AH",)


_LONG: dict[str, Sound] = {"a": ("EY",), "e": ("IY",), "i": ("AY",), "o": ("OW",), "u": ("UW",)}


def _by_parts(letters: str, final: bool = True) -> Sound:
    phones: list[str] = []
    at = 0
    while at < len(letters):
        for spelling, sound in _rules():
            bare = spelling.strip("^$")
            starts, ends = spelling[0] != "^" or at == 0, spelling[-1] != "$" or (at + len(bare) == len(letters))
            if letters.startswith(bare, at) and starts and ends and (final or spelling[-1] != "$"):
                phones += sound
                at += len(bare)
                break
    return tuple(phones)


@lru_cache(maxsize=1)
def _rules() -> tuple[tuple[str, Sound], ...]:
    pairs = [rule.partition("=") for rule in _RULES.replace("\n", "|").split("|") if rule]
    rules = [(spelling, tuple(sound.split())) for spelling, _, sound in pairs]
    return tuple(sorted(rules, key=lambda rule: (-len(rule[0].strip("^$")), -len(rule[0]))))


def _halves(word: str, dictionary: Mapping[str, tuple[Sound, ...]]) -> tuple[str, str] | None:
    """The two words that it is made of ("whiteboard"), cut as near to the middle as can be."""
    cuts = sorted(range(3, len(word) - 2), key=lambda cut: abs(2 * cut - len(word)))
    return next(
        ((word[:cut], word[cut:]) for cut in cuts if word[:cut] in dictionary and word[cut:] in dictionary), None
    )
