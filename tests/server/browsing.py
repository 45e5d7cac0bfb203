"""A real browser in front of a server: Debian's Chromium, watched."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright

from tests.server.serving import ROOT, Served

ARTIFACTS = ROOT / "artifacts"  # pictures, for a look by eye
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",  # it is small in many containers
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PHONE = (375, 700)
DESKTOP = (1200, 800)
WAIT_MS = 15_000


@dataclass
class Watched:
    """A page, and what its browser asked for and complained of."""

    page: Page
    server: str
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def sign_in(self, token: str) -> None:
        """Sign in as a person does."""
        self.page.goto(self.server)
        self.page.get_by_label("Token").fill(token)
        self.page.keyboard.press("Enter")
        expect(self.page.get_by_label("Message")).to_be_visible()
        expect(self.page.get_by_label("Loading")).to_have_count(0)

    def go(self, view: str) -> None:
        """Choose a view."""
        self.page.get_by_role("navigation").get_by_role("button", name=view, exact=True).click()
        heading = self.page.get_by_role("heading", level=1, name=view, exact=True)
        expect(heading).to_be_attached()
        expect(self.page.get_by_label("Loading")).to_have_count(0)

    def say(self, message: str) -> None:
        """Write into the chat, and wait for the answer."""
        exchanges, field = self.page.locator(".exchange"), self.page.get_by_label("Message")
        before = exchanges.count()
        field.fill(message)
        field.press("Enter")
        expect(exchanges).to_have_count(before + 1)
        expect(self.page.locator("[aria-busy=true]")).to_have_count(0)

    def dialog(self, title: str) -> Locator:
        """The dialog with this title; another one may still be on its way out."""
        return self.page.get_by_role("dialog", name=title)

    def picture(self, name: str) -> None:
        """Keep a picture for a look by eye."""
        ARTIFACTS.mkdir(exist_ok=True)
        self.page.screenshot(path=ARTIFACTS / f"{name}.png")

    def check(self) -> None:
        """Nothing was asked of another place, and nothing was complained of."""
        places = {urlsplit(url).netloc for url in self.requests if not url.startswith("data:")}
        assert places == {urlsplit(self.server).netloc}
        assert self.complaints == []


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser; the test is skipped where there is none."""
    if CHROMIUM is None:
        pytest.skip("no Chromium: apt-get install chromium")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield browser
        browser.close()


@contextmanager
def watched(
    browser: Browser, served: Served, size: tuple[int, int] = DESKTOP, *, dark: bool = False
) -> Iterator[Watched]:
    """A page in a browser profile of its own; `check` is called at the end."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if dark else "light",
        reduced_motion="reduce",
    )
    context.set_default_timeout(WAIT_MS)
    expect.set_options(timeout=WAIT_MS)
    mine = watch(context, served)
    yield mine
    mine.check()
    context.close()


def watch(context: BrowserContext, served: Served) -> Watched:
    """Another page of the same browser profile."""
    mine = Watched(context.new_page(), served.url)
    page = mine.page
    page.on("request", lambda request: mine.requests.append(request.url))
    page.on("websocket", lambda socket: mine.requests.append(socket.url))
    page.on("pageerror", lambda error: mine.complaints.append(str(error)))
    page.on("dialog", lambda dialog: (mine.complaints.append(dialog.message), dialog.dismiss()))
    page.on(
        "console",
        lambda said: mine.complaints.append(said.text) if said.type in ("error", "warning") else None,
    )
    return mine


def source_files() -> list[Path]:
    """The page's own Python files."""
    return sorted((ROOT / "hmlr/server/page").glob("*.py"))
