"""Tells the time, here or anywhere: "what time is it in Tokyo". Needs no network."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from otto import Place, Reply, Session, SkillError, skill, speech


@skill
def timecheck(session: Session, location: Place | None = None) -> Reply:
    """Tells the time, here or in another place."""
    now = session.now
    if location is None:
        return Reply(f"It is {speech.clock(now)}.", {"time": now.isoformat(timespec="seconds")})
    if not location.timezone:
        raise SkillError(f"I don't know where {location.name} is.")
    there = now.astimezone(ZoneInfo(location.timezone))
    day = speech.day_name(there.date(), now.date())
    other_day = "" if day == "today" else f" {day}"
    return Reply(
        f"It is {speech.clock(there)}{other_day} in {location.name}.", {"time": there.isoformat(timespec="seconds")}
    )
