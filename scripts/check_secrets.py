"""Fails for a secret in a tracked file that .secrets.baseline does not know; --update makes that.

What it knows is examples and tests' own. A secret is known by its file, kind and hash, not by its
line. First a planted one must be found, or the check says nothing.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from detect_secrets.core.scan import scan_file
from detect_secrets.settings import default_settings

BASELINE = Path(".secrets.baseline")
PLANTED = 'aws_secret = "AKIA' + 'QYLPMN5HFIQR7BBB"\n'  # no one's
HASHES_ONLY = "requirements/"  # of packages

Secret = tuple[str, str, str]


def found_in(path: str) -> set[Secret]:
    """Each secret's file, kind and hash."""
    return {(path, one.type, one.secret_hash) for one in scan_file(path)}


def main() -> int:
    """0 if there is nothing new."""
    tracked = subprocess.run(
        ["git", "ls-files"], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    files = [one for one in tracked if not one.startswith(HASHES_ONLY) and one != str(BASELINE)]
    with default_settings():
        with tempfile.TemporaryDirectory() as folder:
            planted = Path(folder) / "planted.py"
            planted.write_text(PLANTED)
            if not found_in(str(planted)):
                print("A planted secret was not found: the check does not work.", file=sys.stderr)
                return 1
        found = sorted(secret for file in files for secret in found_in(file))
    if "--update" in sys.argv:
        BASELINE.write_text(json.dumps(found, indent=1) + "\n")
        return 0
    known = {tuple(secret) for secret in json.loads(BASELINE.read_text())}
    new = [secret for secret in found if secret not in known]
    for path, kind, _ in new:
        print(f"{path}: {kind}. If it is no secret, run: make secrets-baseline", file=sys.stderr)
    if not new:
        print(f"No secret in {len(files)} files, but for {len(known)} known examples.")
    return 1 if new else 0


if __name__ == "__main__":
    sys.exit(main())
