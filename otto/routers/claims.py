"""What a new skill claims: sentences that meant nothing before it came.

"turn on the lights" is `other()` among the bundled examples as long as no skill does it. Once a user adds a skill
`lights`, that sentence and its like must no longer be held against it. Its own `#### Not:` sentences and the user's
corrections still are.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import PurePath

import numpy as np

from otto.call import OTHER
from otto.example import Example
from otto.routers.sentence import Sentence

LIKE = 0.5
"""Cosine of two sentence vectors from which on the one claims the other."""


def settled(
    examples: Sequence[Example], sentences: Mapping[str, Sentence], newcomers: Collection[str]
) -> list[Example]:
    """The examples without the `other()` sentences that lie near an example of a newcomer, and in another folder.

    `sentences`: all of the examples' texts, encoded. `newcomers`: names of skills that the folder of the `other()`
    sentences knew nothing of.
    """
    claiming = [each for each in examples if each.calls[0].name in newcomers]
    if not claiming:
        return list(examples)
    own = {_folder(each) for each in claiming}
    wanted = np.array([sentences[each.text].vector for each in claiming])

    def yields(example: Example) -> bool:
        refuses = all(call.name == OTHER for call in example.calls)
        return refuses and _folder(example) not in own and bool((wanted @ sentences[example.text].vector).max() >= LIKE)

    return [each for each in examples if not yields(each)]


def _folder(example: Example) -> PurePath:
    return PurePath(example.origin.file).parent
