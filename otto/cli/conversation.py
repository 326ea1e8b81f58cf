"""`otto ask` without a text: a conversation at the terminal. Skills are followed as their files change, timers ring."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otto.cli.terminal import note, say

if TYPE_CHECKING:
    from otto.registry.registry import Change
    from otto.store import Alert
    from otto.turn import Assistant


def converse(otto: Assistant, dry_run: bool) -> None:
    """Reads commands with line editing and history until Ctrl-D."""
    from prompt_toolkit import PromptSession
    from prompt_toolkit.history import InMemoryHistory
    from prompt_toolkit.patch_stdout import patch_stdout

    from otto.announce import sentence
    from otto.cli.ask import show
    from otto.conversation import Conversation
    from otto.log import escaped
    from otto.ringer import Ringer
    from otto.turn import UtteranceError

    def changed(change: Change) -> None:
        note(f"skills: {change}")
        for problem in otto.live.ready.snapshot.problems:
            note(str(problem))

    def announce(alert: Alert, missed: bool) -> None:
        say("\a" + escaped(sentence(alert, missed=missed, now=otto.clock.now())))

    # What was typed is remembered where the history is kept, and nowhere when it is switched off.
    earlier = [entry.text for entry in reversed(otto.store.history.last(200))] if otto.settings.history else []
    session: PromptSession[str] = PromptSession("› ", history=InMemoryHistory(earlier))
    talk = Conversation()
    with patch_stdout(raw=True):
        ringer = Ringer(otto.store, announce, otto.clock)
        otto.live.watch(changed)
        ringer.start()
        try:
            while True:
                try:
                    said = session.prompt()
                except KeyboardInterrupt:
                    continue
                except EOFError:
                    return
                if not said.strip():
                    continue
                try:
                    show(otto.turn(said, talk, dry_run=dry_run), as_json=False)
                except UtteranceError as error:
                    say(str(error))
                ringer.wake()
        finally:
            ringer.stop()
