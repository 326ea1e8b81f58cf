"""What people say for yes, for no, and to be left in peace.

>>> yes_or_no("yes please")
True
>>> yes_or_no("no don't do that")
False
>>> yes_or_no("the weather is nice") is None
True
>>> is_stop("Never mind!")
True
"""

from __future__ import annotations

import re


def _phrases(text: str) -> frozenset[str]:
    return frozenset(" ".join(phrase.split()) for phrase in text.split("|"))


YES = _phrases(
    """yes | yeah | yep | yup | yes please | yes do it | yes do that | yes go ahead | yes sure | please | please do |
    please do it | do it | do that | go ahead | go on | go for it | sure | sure thing | of course | certainly |
    absolutely | definitely | ok | okay | alright | all right | fine | that's fine | confirm | confirmed | affirmative |
    correct | right | that's right | exactly | i do | i am sure | i'm sure | by all means | sounds good | why not |
    you may | make it so | proceed"""
)
NO = _phrases(
    """no | nope | nah | no thanks | no thank you | no way | no don't | don't | do not | don't do it | don't do that |
    do not do it | please don't | stop | cancel | cancel it | cancel that | never mind | nevermind | forget it |
    forget that | abort | leave it | negative | not now | not really | better not | rather not | i'd rather not | wait |
    hold on | wrong | that's wrong | no stop | no cancel | no wait | absolutely not | of course not | certainly not |
    definitely not"""
)
STOP = _phrases("stop | cancel | cancel that | never mind | nevermind | forget it | quiet | be quiet")
USUAL = ("yes", "yes please", "yeah", "sure", "go ahead", "okay", "do it",
         "no", "no thanks", "don't", "cancel", "never mind", "stop")  # fmt: skip
"""Those that a recogniser has to know."""
_POLITE = re.compile(r"\b(?:otto|hey|please|thanks|thank you|um+|uh+|well|oh|then)\b")
_NO_WORDS = frozenset(["no", "not", "don't", "nope", "nah", "never", "cancel", "stop", "abort", "wrong"])


def yes_or_no(text: str) -> bool | None:
    """True for a yes, False for a no, None for neither. In doubt it is not a yes."""
    said = _plain(text)
    if said in NO:
        return False
    if said in YES:
        return True
    bare = _plain(_POLITE.sub(" ", said))
    if bare in NO or set(bare.split()) & _NO_WORDS:
        return False
    return True if bare and all(part in YES for part in _parts(bare)) else None


def is_stop(text: str) -> bool:
    """Whether it means: nothing more of what you are doing or saying."""
    return _plain(text) in STOP


def _parts(text: str) -> list[str]:
    """ "yes yes do it" as pieces that are yeses themselves; the whole text when it is not made of such."""
    words = text.split()
    pieces: list[str] = []
    while words:
        length = next((n for n in range(len(words), 0, -1) if " ".join(words[:n]) in YES), 0)
        if not length:
            return [text]
        pieces.append(" ".join(words[:length]))
        words = words[length:]
    return pieces


def _plain(text: str) -> str:
    return " ".join(re.sub(r"[^a-z' ]", " ", text.lower().replace("’", "'")).split())
