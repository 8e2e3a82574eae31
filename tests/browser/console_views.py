"""The console's views: what tests of every view go through, and what screenshots show."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import attrs


@attrs.frozen(kw_only=True)
class View:
    """A view at ``path``, in which ``{call}`` stands for the id of a call.

    ``shows`` is a text of it that no other view has, once it has been read.
    """

    name: str
    path: str
    shows: str
    has_strangers: bool = False
    """Whether it shows what the user or the caller of a call and a session chose."""
    pictured: bool = False
    """Whether it is in the docs: console-NAME.webp and console-NAME-phone.webp."""
    begins_at: str = ""
    """The heading at which its picture begins; empty: the top."""

    def address(self, ids: Mapping[str, str]) -> str:
        """Return the address's fragment."""
        return f"#/{self.path.format_map(_Known(ids))}"


class _Known(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return name


VIEWS: Final = (
    View(name="overview", path="", shows="Newest sessions", has_strangers=True, pictured=True),
    View(name="sessions", path="sessions", shows="User identity", has_strangers=True),
    View(
        name="session",
        path="sessions/{session}",
        shows="Session id",
        has_strangers=True,
        pictured=True,
        begins_at="Recording",
    ),
    View(name="calls", path="calls", shows="Direction", has_strangers=True),
    View(name="call", path="calls/{call}", shows="Call id", has_strangers=True, pictured=True),
    View(name="agents", path="agents", shows="Active version"),
    View(name="agent", path="agents/{agent}", shows="Agent id", has_strangers=True),
    View(name="new-agent", path="agents/new", shows="Create the agent"),
    View(name="edit-agent", path="agents/{agent}/edit", shows="Save a new version", pictured=True),
    View(name="phone-numbers", path="phone-numbers", shows="Asked before a call"),
    View(name="new-number", path="phone-numbers/new", shows="Add the number"),
    View(name="edit-number", path="phone-numbers/{number}", shows="Make a new secret"),
    View(
        name="try", path="try", shows="asks whether this page may use the microphone", pictured=True
    ),
    View(name="try-phone", path="try/phone", shows="Who is called"),
    View(name="webhooks", path="webhooks", shows="Add a webhook"),
    View(name="dead-letters", path="dead-letters", shows="Deliveries that failed"),
    View(name="transcripts", path="transcripts?q=unsaid", shows="Nothing that was said has all"),
    View(name="statistics", path="statistics", shows="By agent", pictured=True),
    View(name="api-keys", path="api-keys", shows="Make a key"),
    View(name="health", path="health", shows="Reconciler and backlog"),
)
