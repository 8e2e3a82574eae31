"""Fails unless a test of every tier ran and none was skipped: ``check_tiers.py tests.xml …``.

A tier is a folder of ``tests/`` that has tests. Each file is what a run of pytest wrote.
"""

import sys
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

ran = Counter()
wrong = []
for file in sys.argv[1:]:
    for test in ElementTree.parse(file).iter("testcase"):
        name = f"{test.attrib['classname']}.{test.attrib['name']}"
        _, tier, *_ = name.split(".")
        ran[tier] += 1
        wrong += [
            f"{name}: {kind}"
            for kind in ("skipped", "failure", "error")
            if test.find(kind) is not None
        ]

tiers = {path.relative_to("tests").parts[0] for path in Path("tests").glob("*/**/test_*.py")}
wrong += [f"No test in tests/{tier} ran." for tier in sorted(tiers) if not ran[tier]]
if wrong:
    sys.exit("\n".join(wrong))
sys.stdout.write("".join(f"{number:6d}  tests/{tier}\n" for tier, number in sorted(ran.items())))
