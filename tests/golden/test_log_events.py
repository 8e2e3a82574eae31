"""The log events are the golden file's, and the collector finds every way to log one."""

from __future__ import annotations

import pytest

from tests.golden.files import check
from tests.golden.log_events import golden_files, log_events

LOGGER = "import structlog\nlog = structlog.get_logger()\n"


def test_given_the_golden_file_when_the_source_is_read_then_its_events_are_the_same() -> None:
    check(golden_files())


@pytest.mark.parametrize(
    ("source", "events"),
    [
        ("log.info('one', room=1, sid=2)", {"one": ["info: room, sid"]}),
        ("log.exception('one')", {"one": ["error: exc_info"]}),
        ("log.bind(room=1).warning('one', **more)", {"one": ["warning: **"]}),
        ("structlog.get_logger().error(event='one')", {"one": ["error: "]}),
        ("log.info('one' if ready else 'two')", {"one": ["info: "], "two": ["info: "]}),
        ("tell = log.debug if ready else log.info\ntell('one')", {"one": ["debug: ", "info: "]}),
        ("(log.debug if ready else log.info)('one')", {"one": ["debug: ", "info: "]}),
        ("def f():\n text = 'one' if ready else 'two'\n log.info(text)",
         {"one": ["info: "], "two": ["info: "]}),
        ("TEXT = 'one'\ndef f():\n log.info(TEXT)", {"one": ["info: "]}),
        ("def f(text):\n log.info(text)\nf('one')\nf(text='two')",
         {"one": ["info: "], "two": ["info: "]}),
        ("class A:\n def f(self, text):\n  log.info(text)\n def g(self):\n  self.f('one')",
         {"one": ["info: "]}),
        ("class A:\n def __init__(self):\n  self._own = structlog.get_logger()\n"
         " def f(self):\n  self._own.log(20, 'one')", {"one": ["any: "]}),
        ("log.info(f'{what} is lost')", {"{} is lost": ["info: "]}),
        ("log.info(record.message())", {"<record.message()>": ["info: "]}),
        ("def f(text):\n text = text or 'one'\n log.info(text)\n f(text)",
         {"<text>": ["info: "], "one": ["info: "]}),
        ("report(log.info, 'one')", {"<report(log.info, 'one')>": ["info: "]}),
        ("lines.info('one')\nprint('two')", {}),
    ],
)  # fmt: skip
def test_given_a_way_to_log_when_the_source_is_read_then_its_events_are_found(
    source: str, events: dict[str, list[str]]
) -> None:
    assert log_events([LOGGER + source]) == events


def test_given_a_logger_of_another_module_when_the_source_is_read_then_its_events_are_found() -> (
    None
):
    assert log_events([LOGGER, "from a import log\nlog.info('one')"]) == {"one": ["info: "]}
