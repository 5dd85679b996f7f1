"""What Kubernetes says, as text for people: its events and messages. Pure functions."""

from collections.abc import Mapping, Sequence
from typing import Any

Object = Mapping[str, Any]

_LONGEST = 500  # characters of a message from Kubernetes


def newest_event(events: Sequence[Object]) -> str:
    """The newest warning, else the newest event, such as `Failed: Error: ErrImagePull`; empty without events."""
    ordered = sorted(events, key=when)
    warnings = [event for event in ordered if event.get("type") == "Warning"]
    newest = (warnings or ordered)[-1:]
    return "".join(event_text(event) for event in newest)


def when(event: Object) -> str:
    """The time of an event, ISO 8601 in UTC, which sorts as text."""
    return str(event.get("lastTimestamp") or event.get("eventTime") or "")


def event_text(event: Object) -> str:
    return one_line(f"{event.get('reason') or 'Event'}: {event.get('message') or ''}")


def one_line(text: str) -> str:
    """The text on one line, at most 500 characters."""
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
