"""Hostile files, names and bodies."""

import asyncio
import re
from pathlib import Path

import pytest
from agerestore_cli.page import requests
from pages import image_file
from pictures import png
from starlette.requests import Request

ROOT = Path(__file__).parents[2]


def body_of(parts, most, **headers):
    """What is read of a body that comes in parts, and how many of them were asked for."""
    asked = []

    async def receive():
        asked.append(1)
        return {"type": "http.request", "body": parts[len(asked) - 1], "more_body": len(asked) < len(parts)}

    scope = {"type": "http", "headers": [(name.encode(), value.encode()) for name, value in headers.items()]}
    try:
        return asyncio.run(requests.read_body(Request(scope, receive), most)), len(asked)
    except requests.HTTPException as error:
        return error.status_code, len(asked)


def test_bodies_are_counted_while_they_come():
    parts = [bytes(10)] * 100
    assert body_of(parts, 1000) == (bytes(1000), 100)
    assert body_of(parts, 999) == (413, 100)
    assert body_of(parts, 35) == (413, 4)  # no more is read
    assert body_of(parts, 35, **{"content-length": "30"}) == (413, 4)  # which is not believed
    assert body_of(parts, 35, **{"content-length": "1000"}) == (413, 0)


def test_a_client_that_sends_nothing_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(requests, "PAUSE", 0.01)

    async def receive():
        await asyncio.sleep(10)

    with pytest.raises(requests.HTTPException) as error:
        asyncio.run(requests.read_body(Request({"type": "http", "headers": []}, receive), 10))
    assert error.value.status_code == 408


def test_images_of_too_many_pixels_are_refused_before_they_are_decoded(client):
    bomb = png(b"", (100_000, 100_000), depth=8, color_type=2)
    response = client.http.post("/api/pictures", content=bomb, headers={"X-File-Name": "bomb.png"})
    assert response.status_code == 415
    assert response.json()["error"].startswith("bomb.png: 100000 x 100000 pixels are more than 250 megapixels")


@pytest.mark.parametrize("data", [b"", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"no image", image_file()[:200]])
def test_what_is_no_image_is_refused_in_one_line(client, data):
    response = client.http.post("/api/pictures", content=data, headers={"X-File-Name": "%3Cb%3E.svg"})
    assert response.status_code == 415
    assert response.json()["error"].startswith("<b>.svg: ")


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        ("..%2F..%2Fetc%2Fpasswd", "passwd.png"),
        ("C%3A%5Ctemp%5Cx.png", "x.png"),
        (".hidden.png", "hidden.png"),
        ("a%0D%0Ab.png", "a\\r\\nb.png"),
        ("", "image.png"),
        ("%E5%86%99%E7%9C%9F.jpg", "写真.jpg"),
        ("x" * 500 + ".png", "x" * 120 + ".png"),
    ],
)  # fmt: skip
def test_no_path_and_no_line_break_comes_with_a_name(client, sent, name):
    id = client.upload(image_file(), sent)
    assert client.get(id).json()["name"] == name


def test_names_in_headers_are_encoded(client):
    id = client.upload(image_file(32), "%22quoted%22%3B%20%0A%E5%86%99.png")
    client.do(id, "restore", mask="none")
    disposition = client.get(id, "/file").headers["content-disposition"]
    assert re.fullmatch(r"attachment; filename\*=UTF-8''[A-Za-z0-9.%_~-]+", disposition)


@pytest.mark.parametrize(
    "path",
    [
        "/static/../guard.py",
        "/static/%2e%2e/guard.py",
        "/static/..%2fguard.py",
        "/static//etc/passwd",
        "/%2e%2e/app.py",
    ],
)
def test_nothing_but_static_files_is_served(client, path):
    request = client.http.build_request("GET", f"http://127.0.0.1:{client.port}/x")
    request.url = request.url.copy_with(raw_path=path.encode())
    assert client.http.send(request).status_code == 404


def test_what_is_asked_of_a_file_is_no_path(client):
    id = client.upload(image_file())
    for what in ("../x", "/etc/passwd", "before"):
        assert client.http.get(f"/api/pictures/{id}/file", params={"what": what}).status_code == 404
    assert client.http.get(f"/api/pictures/{id}/crop?x=-1&y=0&width=1&height=1").status_code == 400
    assert client.http.get(f"/api/pictures/{id}/crop?x=64&y=0&width=1&height=1").status_code == 400
    assert client.http.get(f"/api/pictures/{id}/crop?x=0&y=0&width=99999&height=99999").status_code == 400
    assert client.http.post(f"/api/pictures/{id}/restore", content=b"[" * 100_000).status_code == 400
    assert client.http.post(f"/api/pictures/{id}/restore", content=b" " * 300_000).status_code == 413


def test_ids_cannot_be_guessed(client):
    ids = {client.upload(image_file()) for _ in range(3)}
    assert len(ids) == 3
    assert all(len(id) == 16 for id in ids)  # 96 bits
