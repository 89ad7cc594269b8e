"""The web app and a browser in the airlock: a question, its cited answer, and silence."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

from .airlock import Airlock, desk
from .visit import FLAGS

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""
IDLE = "16"
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM, reason="no Chromium: apt-get install chromium"),
]
FETCHES = """
import sys
from playwright.sync_api import sync_playwright
with sync_playwright() as playwright:
    browser = playwright.chromium.launch(executable_path=sys.argv[1], args=sys.argv[2:])
    page = browser.new_page()
    page.set_content("<img src='http://picture.example/a.png'>")
    page.wait_for_timeout(1500)
    browser.close()
"""


def test_a_visit_to_the_web_app_says_nothing_to_anybody(airlock: Airlock, tmp_path: Path) -> None:
    command = [sys.executable, "-m", f"{__package__}.visit", CHROMIUM, IDLE]
    passage = airlock.run(command, desk(tmp_path / "home"))
    assert passage.code == 0, passage.stderr[-3000:]
    seen = json.loads(passage.stdout)
    assert "19 days" in seen["shown"]
    assert "petrel-4-manual.pdf, page 10" in seen["citation"]
    assert "19 days without any sun" in seen["quote"]
    assert seen["foreign"] == []
    assert seen["code"] == 0
    assert passage.heard == []


def test_the_sink_hears_a_picture_that_a_page_loads_from_elsewhere(
    airlock: Airlock, tmp_path: Path
) -> None:
    """The negative control of the visit, in the same browser with the same flags."""
    command = [sys.executable, "-c", FETCHES, CHROMIUM, *FLAGS]
    passage = airlock.run(command, desk(tmp_path / "home"))
    assert passage.code == 0, passage.stderr[-3000:]
    assert "dns picture.example" in passage.heard
    assert any("GET /a.png" in line for line in passage.heard)
