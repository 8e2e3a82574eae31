"""Every command block of a document does what the document says."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.documents.blocks import (
    COMMANDS,
    DATA,
    DOCUMENTS,
    REASONS,
    SERVICE,
    STOPPED,
    Block,
    Step,
    blocks,
    matches,
)
from tests.documents.checkout import Checkout
from tests.service import PROJECT

pytestmark = pytest.mark.slow

COMMAND = re.compile(
    r"^ *(?:\$ |(?:[A-Z_]+=\S+ )+[a-z.]"
    r"|(?:backend|curl|docker|git|make|node|npm|npx|pip|python3?) )",
    re.M,
)
"""How a line begins that a reader would paste into a terminal."""
ALL = [block for path in DOCUMENTS for block in blocks(path)]


def run(document: list[Block], checkout: Checkout) -> None:
    """Run a document's commands in their order; the service is there unless it is stopped."""
    for block in document:
        if block.mark in REASONS:
            continue
        if block.mark == STOPPED:
            checkout.stop()
        elif block.mark != SERVICE and checkout.service is None:
            checkout.serve(Step("make run\n", None))
        for step in block.steps():
            if block.mark == SERVICE:
                checkout.serve(step)
            else:
                checkout.check(step)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(PROJECT)))
@pytest.mark.timeout(600)
def test_given_a_document_then_its_commands_do_what_it_says(path: Path, tmp_path: Path) -> None:
    commands = [block for block in blocks(path) if block.language in COMMANDS]
    if all(block.mark in REASONS for block in commands):
        return
    checkout = Checkout.copied(tmp_path)
    try:
        run(commands, checkout)
    finally:
        checkout.stop()


@pytest.mark.parametrize("block", ALL, ids=str)
def test_given_a_block_then_its_language_and_its_mark_are_known(block: Block) -> None:
    assert block.language in COMMANDS | DATA
    if block.mark.startswith(("test:", "not run:")):
        assert block.language in COMMANDS
        assert block.mark in {SERVICE, STOPPED, *REASONS}


@pytest.mark.parametrize("block", [b for b in ALL if b.language in {"text", "ini"}], ids=str)
def test_given_a_block_of_text_then_no_line_of_it_is_a_command(block: Block) -> None:
    assert not COMMAND.search(block.text)


@pytest.mark.parametrize("block", [b for b in ALL if b.mark in REASONS], ids=str)
def test_given_a_block_that_is_not_run_then_what_it_names_exists(block: Block) -> None:
    for step in block.steps():
        subprocess.run(["bash", "-n", "-c", step.command], check=True)
        targets = (PROJECT / "Makefile").read_text()
        for target in re.findall(r"^make ([\w-]+)", step.command, re.M):
            assert re.search(rf"^{target}:", targets, re.M), target
        for module in re.findall(r"python -m (tests[\w.]*)", step.command):
            path = PROJECT / module.replace(".", "/")
            assert path.is_dir() or path.with_suffix(".py").is_file(), module
        for path in re.findall(r"\b(?:tests|examples)/[\w/.]+", step.command):
            assert (PROJECT / path).exists(), path


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(PROJECT)))
def test_given_a_document_then_each_make_target_that_it_names_exists(path: Path) -> None:
    if path.name == "CHANGELOG.md":  # which names what earlier releases had
        return
    targets = (PROJECT / "Makefile").read_text()
    for target in re.findall(r"(?:^|`|\$ )make ([a-z][\w-]*)", path.read_text(), re.M):
        assert re.search(rf"^{target}:", targets, re.M), target


@pytest.mark.parametrize(
    ("expected", "printed", "same"),
    [
        ("a … c\n", "a b c\n", True),
        ("a … c\n", "a b\nc\n", False),
        ("a\n…\nd\n", "a\nb\nc\nd\n", True),
        ("a\n…\nd\n", "a\nd\n", True),
        ("a\n", "a\nb\n", False),
        ("a.c\n", "abc\n", False),
    ],
)
def test_an_ellipsis_stands_for_the_rest_of_a_line_or_for_lines(
    expected: str, printed: str, *, same: bool
) -> None:
    assert matches(expected, printed) is same


def test_given_a_command_that_fails_or_prints_something_else_then_the_document_fails(
    tmp_path: Path,
) -> None:
    checkout = Checkout(tmp_path)

    checkout.check(Step("export WORD=yes\n", ""))
    checkout.check(Step("echo $WORD\n", "yes\n"))
    with pytest.raises(AssertionError, match="echo no"):
        checkout.check(Step("echo no\n", "yes\n"))
    with pytest.raises(AssertionError, match="false"):
        checkout.check(Step("false | true\n", None))
