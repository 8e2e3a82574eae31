"""Fails unless every tier of tests ran, whole: ``check_tiers.py .cache/tests.xml``.

A tier is a folder of ``tests/`` that has tests. pytest itself ends well though a test was skipped.
"""

import sys
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

ran, not_run = Counter(), []
for test in ElementTree.parse(sys.argv[1]).iter("testcase"):
    _, tier, *_ = test.attrib["classname"].split(".")
    if test.find("skipped") is None:
        ran[tier] += 1
    else:
        not_run.append(f"{test.attrib['classname']}.{test.attrib['name']}")

tiers = {path.relative_to("tests").parts[0] for path in Path("tests").glob("*/**/test_*.py")}
problems = [f"No test in tests/{tier} ran." for tier in sorted(tiers - ran.keys())]
problems += [f"{name} was skipped, or failed as it was expected to." for name in not_run]
if problems:
    sys.exit("\n".join(problems))
sys.stdout.write("".join(f"{number:6d}  tests/{tier}\n" for tier, number in sorted(ran.items())))
