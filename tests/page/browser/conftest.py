"""A server, Debian's Chromium in front of it, and a page in that, as the tests use them."""

import os
import shutil
from pathlib import Path

import pytest
import torch
from agerestore_cli.page.service import Options, Service
from pages import SECRET, serving

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
SOON = 30_000  # ms, of whatever needs no network of ours: other programs may keep the processors busy


def _unavailable(reason):
    """Skip; where the project's own checks run, a test that cannot run is one that fails."""
    if os.environ.get("CI") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="module")
def chromium():
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _unavailable("playwright is missing: pip install '.[test]'")
    if CHROMIUM is None:
        _unavailable("chromium is missing: apt-get install chromium")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def loaded(chromium):
    """A service of one thread, as are commands in these tests: two may add in another order."""
    before = torch.get_num_threads()
    service = Service(Options(device="cpu", threads=1))
    service.load()
    yield service
    service.worker.close()
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def address(loaded):
    with serving(loaded) as client:
        yield f"http://127.0.0.1:{client.port}/#{SECRET}"


@pytest.fixture
def new_page(chromium):
    """Opens pages, each in a browser of its own; at the end nothing must have gone wrong or elsewhere in any."""
    contexts, wrong = [], []

    def open_page(address, expected=(), **options):
        contexts.append(chromium.new_context(**{"viewport": {"width": 1280, "height": 800}, **options}))
        page = contexts[-1].new_page()
        page.set_default_timeout(SOON)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on(
            "console",
            lambda message: (
                wrong.append(f"{message.text} {message.location['url']}") if is_wrong(message, expected) else None
            ),
        )
        page.on("request", lambda sent: None if is_ours(sent.url, address) else wrong.append(sent.url))
        page.goto(address)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert wrong == []


def is_wrong(message, expected):
    return message.type in ("error", "warning") and not any(each in message.text for each in expected)


def is_ours(url, address):
    return url.startswith((address.split("#")[0], "blob:", "data:"))


@pytest.fixture
def page(new_page, address):
    return new_page(address)


@pytest.fixture
def folder(tmp_path):
    """A folder with two small pictures, one of them damaged."""
    examples = Path(__file__).parents[3] / "examples"
    scans = tmp_path / "scans"
    scans.mkdir()
    for name in ("damaged/digit-1.png", "clean/digit-3.png"):
        shutil.copy(examples / name, scans)
    return scans
