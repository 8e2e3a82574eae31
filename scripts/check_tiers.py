"""Fails unless a test of every tier ran: ``check_tiers.py .cache/tests.xml``.

A tier is a folder of ``tests/`` that has tests.
"""

import sys
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

ran = Counter()
for test in ElementTree.parse(sys.argv[1]).iter("testcase"):
    _, tier, *_ = test.attrib["classname"].split(".")
    ran[tier] += test.find("skipped") is None

tiers = {path.relative_to("tests").parts[0] for path in Path("tests").glob("*/**/test_*.py")}
missing = [f"No test in tests/{tier} ran." for tier in sorted(tiers) if not ran[tier]]
if missing:
    sys.exit("\n".join(missing))
sys.stdout.write("".join(f"{number:6d}  tests/{tier}\n" for tier, number in sorted(ran.items())))
