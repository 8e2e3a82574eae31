"""How many random histories a property meets: a third of them in `make test`."""

from __future__ import annotations

import os
from typing import Any

from hypothesis import settings

VARIABLE = "ALL_EXAMPLES"
"""Where it is set, properties meet all of their examples (tests/unit/test_all_examples.py)."""


def examples(number: int, **others: Any) -> settings:
    """Settings of a property that ``number`` examples show well; ``others`` are Hypothesis's."""
    most = number if os.environ.get(VARIABLE) else number // 3
    return settings(max_examples=most, deadline=None, **others)
