"""What a caller puts into agentConfig is what the worker reads, as JSON values.

Only here do generated values pass through HTTP, the ledger and the dispatch together.
"""

from __future__ import annotations

import json
import uuid
from typing import Any

import httpx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.agents.agent_config import DEFAULTS, RESERVED
from tests.simulator import SimulatorProcess

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.none() | st.booleans() | numbers | text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
    max_leaves=15,
)
unknown_keys = text.filter(lambda key: key not in DEFAULTS and key not in RESERVED)


@given(config=st.dictionaries(unknown_keys, values, max_size=5))
@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_unknown_keys_reach_the_dispatch_untouched(
    http: httpx.Client, simulator: SimulatorProcess, config: dict[str, Any]
) -> None:
    room = str(uuid.uuid4())

    answer = http.post(
        "/session", json={"userIdentity": "u", "roomName": room, "agentConfig": config}
    )

    assert answer.status_code == 200
    [dispatch] = simulator.dispatches(room)
    received = json.loads(dispatch["metadata"])
    # Compared as text, which tells 1 from 1.0 and from true.
    assert {key: repr(received[key]) for key in config} == {
        key: repr(value) for key, value in config.items()
    }
    http.post("/session/end", json={"roomName": room})
