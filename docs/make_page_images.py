"""Makes the pictures of the page, of the examples: needs chromium and `pip install '.[test]'`.

python docs/make_page_images.py
"""

import io
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS.parent / "tests"))
from served import PHONE, end, serve  # noqa: E402

PRINT = DOCS.parent / "examples" / "damaged" / "photo-portrait.png"
DESKTOP = {"viewport": {"width": 1280, "height": 800}, "color_scheme": "light"}


def main() -> None:
    """Restore the old print on a desktop and, with the found mask, on a phone."""
    address, process = serve()
    try:
        with sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
            page = browser.new_context(**DESKTOP, device_scale_factor=1.5).new_page()
            _open(page, address)
            page.locator("#run").click()
            page.locator("#after img:not([hidden])").first.wait_for()
            page.locator("#slider").fill("0.45")
            _write(page, "page.webp")
            page = browser.new_context(**PHONE, device_scale_factor=2).new_page()
            _open(page, address)
            page.locator("#find").click()
            page.locator("#mask-note", has_text="found").wait_for()
            _write(page, "page-phone.webp")
            browser.close()
    finally:
        end(process)


def _open(page: Page, address: str) -> None:
    page.goto(address)
    page.set_input_files("#files", PRINT)
    page.locator("#run:enabled").wait_for(timeout=120_000)
    page.set_default_timeout(120_000)


def _write(page: Page, name: str) -> None:
    page.mouse.move(2, 2)
    page.wait_for_timeout(500)
    image = Image.open(io.BytesIO(page.screenshot()))
    (DOCS / "images").mkdir(exist_ok=True)
    image.convert("RGB").save(DOCS / "images" / name, quality=82, method=6)


if __name__ == "__main__":
    main()
