"""The value table: what a parameter can be, one entry a type.

Each entry says how a value is read from words ("ten minutes"), how it is written canonically ("10 minutes"), when two
values are the same, and what it is in JSON Schema. Everything that handles arguments looks here: validation, routers,
evaluation, grammars, example files.

    >>> TYPES["duration"].write(TYPES["duration"].read("ten minutes", Limits(), now))
    '10 minutes'
"""

from __future__ import annotations

from otto.values.boolean import BOOLEAN
from otto.values.choice import CHOICE
from otto.values.date import DATE
from otto.values.datetime import DATETIME
from otto.values.duration import DURATION
from otto.values.expression import EXPRESSION, Expression, evaluate
from otto.values.number import INTEGER, NUMBER
from otto.values.place import PLACE, Place
from otto.values.text import TEXT
from otto.values.time import TIME
from otto.values.type import Limits, Typed, ValueType

TYPES: dict[str, ValueType] = {
    kind.name: kind
    for kind in (TEXT, CHOICE, INTEGER, NUMBER, BOOLEAN, DURATION, TIME, DATE, DATETIME, EXPRESSION, PLACE)
}

__all__ = ["TYPES", "Expression", "Limits", "Place", "Typed", "ValueType", "evaluate"]
