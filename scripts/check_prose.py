"""Fails for misspelt words, and for words that the style forbids: ``check_prose.py``.

Read are comments, docstrings and texts of the production code, and the documents. Where a word is
meant after all (a quotation, LiveKit's own term), the line says so: ``prose: ok``.
"""

from __future__ import annotations

import io
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

CODE = ("domain", "application", "adapters", "entrypoints")
DOCUMENTS = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "docs/*.md", "docs/*/*.md")
ALLOWED = "prose: ok"

BANNED = {
    "nobody": "no caller, no participant, no tenant …",
    "nobody's": "of no tenant",
    "somebody": "a participant, another request …",
    "somebody else": "another request, process or tenant",
    "anybody": "any client",
    "everybody": "all participants, every client",
    "whoever": "the noun",
    "told": "reported, returned, sent",
    "tells": "reports, returns, says",
    "hears of": "receives, is called with",
    "mute": "does not answer",
    "for ever": "forever, never",
    "doorbell": "InboxSignal",
    "census": "LedgerStats",
    "whereabouts": "AgentPresence",
}
WORDS = re.compile(
    r"\b(" + "|".join(sorted(map(re.escape, BANNED), key=len, reverse=True)) + r")\b", re.IGNORECASE
)


def texts_of_code(path: Path) -> Iterator[tuple[int, str]]:
    """Each line of a comment or a string, with its number."""
    source = path.read_text(encoding="utf-8")
    allowed = {n for n, line in enumerate(source.splitlines(), 1) if ALLOWED in line}
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type in (tokenize.COMMENT, tokenize.STRING):
            for number, line in enumerate(token.string.splitlines(), token.start[0]):
                if number not in allowed:
                    yield number, line


def texts() -> Iterator[tuple[Path, int, str]]:
    for folder in CODE:
        for path in sorted(Path(folder).rglob("*.py")):
            for number, line in texts_of_code(path):
                yield path, number, line
    for pattern in DOCUMENTS:
        for path in sorted(Path().glob(pattern)):
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                yield path, number, line


found = [
    f'{path}:{number}: "{match[0]}": write {BANNED[match[0].lower()]}'
    for path, number, line in texts()
    if ALLOWED not in line
    for match in WORDS.finditer(line)
]
spelling = subprocess.run([sys.executable, "-m", "codespell_lib"], check=False)
if found:
    sys.stderr.write("\n".join(found) + f"\n{len(found)} words to replace; see CONTRIBUTING.md.\n")
sys.exit(bool(found) or spelling.returncode != 0)
