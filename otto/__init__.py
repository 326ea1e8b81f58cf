"""Otto: a sentence in, a validated function call out, something done, on your own machine.

What a skill may use (and `otto.program`, to start others):

    from otto import Reply, Session, SkillError, skill
"""

from otto.call import Call, parse, write
from otto.errors import CallError, FetchError, OttoError, SchemaError, SkillError
from otto.function import skill
from otto.reply import Reply
from otto.session import Session
from otto.values.expression import Expression
from otto.values.place import Place

__all__ = [
    "Call",
    "CallError",
    "Expression",
    "FetchError",
    "OttoError",
    "Place",
    "Reply",
    "SchemaError",
    "Session",
    "SkillError",
    "parse",
    "skill",
    "write",
]
