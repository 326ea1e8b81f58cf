"""Silences what rings or speaks: "stop"."""

from __future__ import annotations

from otto import Session, skill


@skill
def stop(session: Session) -> str:
    """Stops what is ringing or being said."""
    silenced = session.store.alerts.silence(session.now)
    if not silenced:
        return "Nothing is ringing."
    if len(silenced) == 1:
        return f"I stopped the {silenced[0].kind}."
    kinds = {alert.kind for alert in silenced}
    return f"I stopped {len(silenced)} {kinds.pop() + 's' if len(kinds) == 1 else 'alerts'}."
