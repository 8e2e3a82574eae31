"""Install pinned packages and show the progress: ``install_packages.py requirements/run.txt``.

pip itself is silent with --quiet, and prints a page for each package without.
"""

import re
import subprocess
import sys
from pathlib import Path

file = sys.argv[1]
total = len(re.findall(r"^[A-Za-z0-9][^\s=]*==", Path(file).read_text(encoding="utf-8"), re.M))
PIP = (sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--no-color",
       "--progress-bar", "off", "--require-hashes", "-r", file)  # fmt: skip
STEPS = ("Collecting ", "Requirement already satisfied: ")


def show(text: str) -> None:
    """Print a step: on a terminal over the one before."""
    sys.stdout.write(f"\r\x1b[K      {text}" if sys.stdout.isatty() else f"      {text}\n")
    sys.stdout.flush()


output = []
collected = 0
with subprocess.Popen(
    PIP, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
) as pip:
    assert pip.stdout is not None
    for line in pip.stdout:
        output.append(line)
        if line.startswith(STEPS):
            collected += 1
            if sys.stdout.isatty() or collected % 20 == 0:
                show(f"{collected} of {total} packages downloaded")
        elif line.startswith("Installing collected packages"):
            show(f"installing {collected} packages; this takes about as long again")
if sys.stdout.isatty():
    sys.stdout.write("\r\x1b[K")
if pip.returncode:
    sys.stdout.writelines(output)
    sys.stdout.write(f"pip could not install what {file} names; its output is above.\n")
    sys.exit(pip.returncode)
