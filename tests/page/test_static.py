"""The files of the page fit together: what a browser is not needed for."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

STATIC = Path(__file__).parents[2] / "cli" / "page" / "static"
HTML = (STATIC / "index.html").read_text()
SCRIPTS = {path.name: path.read_text() for path in STATIC.glob("*.js")}
CODE = "".join(text for name, text in SCRIPTS.items() if name != "texts.js")


def keys_of(name):
    """The keys of an object in texts.js."""
    body = re.search(rf"const {name} = {{\n(.*?)\n}};", SCRIPTS["texts.js"], re.DOTALL)[1]
    return set(re.findall(r"^  (\w+):", body, re.MULTILINE))


WORDS, ALL = keys_of("words"), keys_of("words") | keys_of("texts")


class Elements(HTMLParser):
    """Collects the attributes of elements, and the text that is not in the head."""

    def __init__(self):
        super().__init__()
        self.attributes, self.text, self.inside = [], [], []
        self.feed(HTML)

    def handle_starttag(self, tag, attrs):
        self.attributes += attrs
        self.inside.append(tag)

    def handle_data(self, data):
        if data.strip() and "body" in self.inside:
            self.text.append(data.strip())


def values(*names):
    return {value for name, value in Elements().attributes if name in names}


def test_all_text_is_in_one_file():
    assert Elements().text == ["agerestore"]
    assert values("data-text", "data-label") <= WORDS
    assert not values("title", "aria-label", "placeholder", "alt")


def test_every_text_is_there_and_used():
    used = set(re.findall(r"(?<!/)\btexts\.(\w+)", CODE))
    assert used <= ALL
    assert used | values("data-text", "data-label") >= ALL


def test_every_element_that_is_looked_for_is_there():
    ids = values("id")
    assert set(re.findall(r'\bfind\("([\w-]+)"\)', CODE)) <= ids
    clicks = re.search(r"const CLICKS = {\n(.*?)\n};", SCRIPTS["main.js"], re.DOTALL)[1]
    assert {name.strip('"') for name in re.findall(r'^  ("?[\w-]+"?)(?=[:,])', clicks, re.MULTILINE)} <= ids
    assert values("for", "aria-labelledby", "aria-describedby") <= ids


def test_every_icon_is_there():
    drawn = set(re.findall(r'<symbol id="(\w+)"', (STATIC / "icons.svg").read_text()))
    assert values("data-icon") | set(re.findall(r'\b(?:icon|iconButton)\("(\w+)"', CODE)) <= drawn


@pytest.mark.parametrize("path", sorted(STATIC.iterdir()), ids=lambda path: path.name)
def test_nothing_comes_from_elsewhere(path):
    """All addresses are relative, so that the page works behind a proxy, too; and no style or script is inline."""
    text = path.read_text().replace('xmlns="http://www.w3.org/2000/svg"', "").replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"https?:|//[a-z]+\.[a-z]", text)
    assert not re.search(r'(?:href|src)="/', text)
    if path.suffix == ".html":
        assert not re.search(r"\s(?:style|on\w+)=|<style|<script>", text)
