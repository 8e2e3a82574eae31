"""How many random histories a property meets: a third in `make test`, the others in `test-slow`."""

from __future__ import annotations

import os
from typing import Any

from hypothesis import settings

VARIABLE = "ALL_EXAMPLES"
"""Where it is set, properties meet the other two thirds (tests/unit/test_all_examples.py)."""


def examples(number: int, **others: Any) -> settings:
    """Settings of a property that ``number`` examples show well; ``others`` are Hypothesis's."""
    third = number // 3
    most = number - third if os.environ.get(VARIABLE) else third
    return settings(max_examples=most, deadline=None, **others)
