"""Fails unless enough branches ran: ``coverage json -o - | check_branches.py 95``.

``coverage report --fail-under`` counts lines and branches together, which hides missing branches.
"""

import json
import sys

needed = float(sys.argv[1])
totals = json.load(sys.stdin)["totals"]
covered, number = totals["covered_branches"], totals["num_branches"]
if not number:
    sys.exit("No branch was measured: did coverage run with branch = true?")
percent = 100 * covered / number
message = f"Branches covered: {covered} of {number}, {percent:.1f} % (at least {needed:g} % needed)"
if percent < needed:
    sys.exit(message)
sys.stdout.write(f"{message}\n")
