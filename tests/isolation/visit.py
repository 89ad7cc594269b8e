"""`rag demo` with its web app, and a headless Chromium that asks it a question.

    python -m isolation.visit CHROMIUM SECONDS

Prints {"shown", "citation", "quote", "foreign", "code"} as JSON: the answer on the page, the
citation that was pressed, the quote that it opened, addresses outside the app that the browser
asked for, and the exit code of the app after Ctrl-C. The page stays open for SECONDS before that.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from typing import Any

from playwright.sync_api import Page, expect, sync_playwright

# Chromium's own calls home (updates, models) are no matter of the product: their names are not
# looked up. Every other name is, so that the sink hears of it.
_ITS_OWN = ("*.google.com", "*.googleapis.com", "*.gvt1.com", "*.gvt2.com")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--no-proxy-server",
    "--host-resolver-rules=" + ", ".join(f"MAP {name} ~NOTFOUND" for name in _ITS_OWN),
]  # fmt: skip
QUESTION = "How long does a PT4-R run on a full battery without any sun at the factory setting?"
_OWN = re.compile(r"(https?|wss?)://127\.0\.0\.1:|data:|blob:")


def main(chromium: str, seconds: float) -> dict[str, Any]:
    command = [sys.executable, "-m", "rag", "demo", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as app:
        try:
            assert app.stdout is not None
            address = next(
                re.search(r"http://\S+", line) for line in app.stdout if "token=" in line
            )
            assert address is not None
            seen = _visit(chromium, address.group(), seconds)
        finally:
            app.send_signal(signal.SIGINT)
        return seen | {"code": app.wait(30)}


def _visit(chromium: str, address: str, seconds: float) -> dict[str, Any]:
    expect.set_options(timeout=60_000)
    foreign: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=FLAGS, env={**os.environ}
        )
        page = browser.new_page()
        page.on("request", lambda r: None if _OWN.match(r.url) else foreign.append(r.url))
        page.on("websocket", lambda w: None if _OWN.match(w.url) else foreign.append(w.url))
        page.goto(address)
        seen = _ask(page)
        page.wait_for_timeout(seconds * 1000)
        browser.close()
    return seen | {"foreign": foreign}


def _ask(page: Page) -> dict[str, Any]:
    field = page.get_by_test_id("stChatInputTextArea")
    field.fill(QUESTION)
    field.press("Enter")
    statement = page.locator(".st-key-statement-0-0")
    expect(statement).to_contain_text("19 days")
    citation = page.get_by_role("button", name=re.compile("petrel-4-manual.pdf, page")).first
    named = citation.inner_text()
    citation.click()
    quote = page.locator(".st-key-quote")
    expect(quote).to_be_visible()
    return {"shown": statement.inner_text(), "citation": named, "quote": quote.inner_text()}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], float(sys.argv[2]))))
