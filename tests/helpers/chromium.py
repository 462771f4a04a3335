"""A page in an installed Chromium, by real clicks; nothing is downloaded."""

import contextlib
import functools
import http.server
import os
import pathlib
import shutil
import threading
from collections.abc import Iterator

import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome")


class Opened:
    """A page, and what it asked for.

    Attributes:
        page: Playwright's page.
        requested: addresses of all that was asked for.
        said: errors on the console.
    """

    def __init__(self, page):
        self.page = page
        self.requested: list[str] = []
        self.said: list[str] = []
        page.on("request", lambda request: self.requested.append(request.url))
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("console", self._note)

    def _note(self, message) -> None:
        if message.type == "error":
            self.said.append(message.text)


@contextlib.contextmanager
def opened(width: int = 1000, height: int = 900) -> Iterator[Opened]:
    """An empty page; skips the test where there is no Chromium."""
    playwright = pytest.importorskip("playwright.sync_api")
    program = next(filter(None, map(shutil.which, _NAMES)), None)
    if program is None:
        pytest.skip("No Chromium is installed.")
    # Its sandbox does not work for root, as whom containers run.
    sandbox = [] if os.geteuid() else ["--no-sandbox"]
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=sandbox)
        try:
            size = {"width": width, "height": height}
            yield Opened(browser.new_page(viewport=size))
        finally:
            browser.close()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@contextlib.contextmanager
def served(folder: pathlib.Path) -> Iterator[str]:
    """The address of a plain static server, as Python brings one."""
    handler = functools.partial(_Quiet, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
