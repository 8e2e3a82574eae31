"""A browser, and the console in it, for the tests of this folder."""

from __future__ import annotations

import os

import pytest

from tests.browser.chromium import FOLDER, Browser, NoBrowser, find_browser
from tests.browser.console_stage import stage, tab, tabs

__all__ = ["FOLDER", "Browser", "browser", "stage", "tab", "tabs"]


@pytest.fixture(scope="session")
def browser() -> Browser:
    """Return a browser; without one the test is skipped, but fails in CI (``CI`` set)."""
    try:
        return find_browser()
    except NoBrowser as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))
