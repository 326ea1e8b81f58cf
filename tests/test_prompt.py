"""The prompts that come with Otto."""

from __future__ import annotations

import pytest

from otto.errors import ConfigError
from otto.prompt import prompt


@pytest.mark.parametrize("name", ["openai", "story"])
def test_the_bundled_prompts_ask_for_something_to_be_read_aloud(name: str) -> None:
    assert "read aloud" in prompt(name)
    assert prompt(name) == prompt(name).strip()


def test_a_missing_prompt_is_named() -> None:
    with pytest.raises(ConfigError, match=r"nothing\.txt: cannot be read"):
        prompt("nothing")
