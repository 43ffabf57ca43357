"""The service on loopback, and Chromium looking at it. A page that complains or asks another host fails its test."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, Playwright, sync_playwright
from werkzeug.serving import make_server

from app.db import Database
from tests.access.people import PASSWORD, add_person, code_now, database_of, forget_codes, running_app

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
ACCEPTED = {"ko": "ko-KR", "en": "en-GB"}


@dataclass
class Service:
    """The service as a browser reaches it; it can be taken away and brought back."""

    app: Flask
    database: Database
    port: int = 0
    _stop: Callable[[], None] = field(default=lambda: None)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        server = make_server("127.0.0.1", self.port, self.app, threaded=True)
        server.daemon_threads = True
        self.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()

        def stop() -> None:
            server.shutdown()
            thread.join()
            server.server_close()

        self._stop = stop

    def stop(self) -> None:
        self._stop()
        self._stop = lambda: None


@pytest.fixture
def dialect() -> str:
    """The pages' reads are tested on both databases elsewhere; a browser sees no difference."""
    return "sqlite"


@pytest.fixture
def settle() -> Callable[[Database], object]:
    """Brings what the service begins with; a module may bring a world of its own."""
    return add_person


@pytest.fixture
def service(database_url: str, settle: Callable[[Database], object]) -> Iterator[Service]:
    with running_app(database_url) as app:
        settle(database_of(app))
        service = Service(app, database_of(app))
        service.start()
        try:
            yield service
        finally:
            service.stop()


@pytest.fixture(scope="session")
def playwright(chromium: str) -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def browser(playwright: Playwright, chromium: str) -> Iterator[Browser]:
    browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
    yield browser
    browser.close()


@dataclass
class Seen:
    """What a page did that nobody wants; `forgive` empties it where a test provokes it."""

    complaints: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)

    def forgive(self) -> None:
        self.complaints.clear()


Open = Callable[..., Page]


@pytest.fixture
def seen() -> Seen:
    return Seen()


@pytest.fixture
def open_page(browser: Browser, service: Service, seen: Seen) -> Iterator[Open]:
    """Opens a path in a language at a width; at the end no page may have complained or asked another host."""
    contexts = []

    def open_page(path: str = "/", language: str = "ko", width: int = 1280, javascript: bool = True) -> Page:
        context = browser.new_context(
            locale=ACCEPTED[language], viewport={"width": width, "height": 900}, java_script_enabled=javascript
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: seen.complaints.append(message.text) if message.type != "log" else None)
        page.on("pageerror", lambda error: seen.complaints.append(str(error)))
        page.on("request", lambda request: _note(seen, request.url))
        page.goto(service.url + path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert seen.complaints == []
    assert seen.foreign == []


def _note(seen: Seen, url: str) -> None:
    if urlsplit(url).hostname != "127.0.0.1":
        seen.foreign.append(url)


@pytest.fixture
def log_in(open_page: Open, service: Service) -> Open:
    """Opens a page as somebody who has logged in, with password and, where their role needs one, code."""

    def log_in(path: str = "/", login: str = "kim", **how: object) -> Page:
        page = open_page(path, **how)
        page.get_by_label("로그인 이름").or_(page.get_by_label("Login")).fill(login)
        page.get_by_label("비밀번호").or_(page.get_by_label("Password")).fill(PASSWORD)
        page.locator("main button").click()
        page.wait_for_url(lambda url: urlsplit(url).path != "/login")
        if urlsplit(page.url).path == "/login/code":
            forget_codes(service.database)
            page.get_by_label("여섯 자리 번호").or_(page.get_by_label("Six-digit code")).fill(code_now())
            page.locator("main button").click()
            page.wait_for_url(lambda url: not urlsplit(url).path.startswith("/login"))
        return page

    return log_in
