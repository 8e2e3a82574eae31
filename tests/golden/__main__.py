"""``python -m tests.golden`` (or ``make golden``) renews the golden files.

With the name of a part, it writes the texts of that part's files to one file in the working
folder, for :func:`tests.golden.files.collected`.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

from tests.golden import log_events
from tests.golden.files import RESULT, collected, write


def renew() -> None:
    """Write every golden file and print which ones have changed."""
    from tests.databases import running_postgres  # noqa: PLC0415 - no part needs it
    from tests.golden.schema import IN_CODE  # noqa: PLC0415 - as above

    found = {**log_events.golden_files()}
    for part in ("interface", "cli", "schema"):
        found |= collected(part)
    with running_postgres() as server:
        found |= collected("schema", server.new_database())
    del found[IN_CODE]
    changed = [name for name, now in sorted(found.items()) if write(name, now)]
    sys.stdout.write("".join(f"tests/golden/{name} has changed.\n" for name in changed))
    sys.stdout.write(f"{len(found) - len(changed)} golden files are unchanged.\n")


def collect_part(part: str, *arguments: str) -> None:
    """Write the texts of ``part``'s files, as JSON."""
    found = importlib.import_module(f"tests.golden.{part}").golden_files(*arguments)
    Path(RESULT).write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:]:
        collect_part(*sys.argv[1:])
    else:
        renew()
