"""requirements/ pins what is installed, for whichever pip installs it."""

from __future__ import annotations

import re
from importlib.metadata import requires

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.service import PROJECT

_PIN = re.compile(r"^[^\s#-]\S*==\S+", re.MULTILINE)


def pins(name: str) -> dict[str, Requirement]:
    lines = _PIN.findall((PROJECT / "requirements" / name).read_text())
    return {canonicalize_name(pin.name): pin for pin in map(Requirement, lines)}


def wanted_by(pin: Requirement) -> list[Requirement]:
    """What a pinned package needs on this machine, its pinned extras included."""
    needs = map(Requirement, requires(pin.name) or [])
    return [
        need
        for need in needs
        if need.marker is None
        or any(need.marker.evaluate({"extra": extra}) for extra in ("", *pin.extras))
    ]


def test_what_a_package_needs_with_an_extra_is_pinned_with_it() -> None:
    # Given every pinned package and what it needs
    pinned = pins("dev.txt")
    with_extras = [need for pin in pinned.values() for need in wanted_by(pin) if need.extras]

    # Then an older pip too (23.2, of Python 3.11.7) finds the version to take for package[extra]
    assert with_extras
    for need in with_extras:
        assert need.extras <= pinned[canonicalize_name(need.name)].extras, (
            f"{need} is pinned without its extra"
        )


def test_what_the_project_needs_with_an_extra_is_pinned_with_it() -> None:
    assert "asyncio" in pins("run.txt")["sqlalchemy"].extras
