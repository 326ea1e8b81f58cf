"""Boolean: yes or no, on or off.

>>> BOOLEAN.read("enable", Limits(), now)
True
"""

from __future__ import annotations

from datetime import datetime

from otto.call import Scalar
from otto.errors import ValueReadError
from otto.values.type import Limits, ValueType
from otto.values.words import not_read, said, words

_YES = (
    "yes|yeah|yep|yup|yes please|on|true|enable|enabled|activate|activated|sure|okay|ok|of course|affirmative|correct"
    "|right|turn on|turned on|switch on|switched on|1|one|y"
)
_NO = (
    "no|nope|nah|no thanks|no thank you|off|false|disable|disabled|deactivate|deactivated|never|negative|not|wrong"
    "|turn off|turned off|switch off|switched off|0|zero|n"
)
_TRUE, _FALSE = frozenset(_YES.split("|")), frozenset(_NO.split("|"))
BOOLEAN_WORDS = _TRUE | _FALSE


def read(scalar: Scalar, limits: Limits, now: datetime) -> bool:
    """True or False; the numbers 1 and 0 count."""
    if isinstance(scalar, bool):
        return scalar
    if isinstance(scalar, (int, float)):
        if scalar in (0, 1):
            return bool(scalar)
        raise ValueReadError(f"{scalar} is neither yes nor no")
    text = said(scalar, "yes or no")
    meant = " ".join(words(text))
    if meant in _TRUE or meant in _FALSE:
        return meant in _TRUE
    raise not_read(text, "yes or no", "yes")


def write(boolean: bool) -> bool:
    return boolean


BOOLEAN = ValueType("boolean", bool, read, write, {"type": "boolean"}, "yes")
