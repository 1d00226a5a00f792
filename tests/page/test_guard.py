"""Who may ask: foreign names, origins and clients without the token are refused on every request."""

import hmac
from pathlib import Path

import httpx
import pytest
from agerestore_cli.page import guard
from agerestore_cli.page.guard import HEADERS, TOKEN, Guard
from pages import SECRET, image_file

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("path", ["/", "/static/index.html", "/api/state", "/nothing"])
@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1:1", "localhost", "127.0.0.1.evil.example:{port}", "photos"]
)
def test_other_names_of_the_server_are_refused_on_every_request(client, path, host):
    response = client.http.get(path, headers={"Host": host.format(port=client.port)})
    assert response.status_code == 421


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:{port}",
        "localhost:{port}",
        "LOCALHOST:{port}",
        "[::1]:{port}",
        "photos.example",
        "photos.example:443",
    ],
)
def test_its_own_names_and_allowed_ones_are_answered(client, host):
    assert client.http.get("/api/state", headers={"Host": host.format(port=client.port)}).status_code == 200


@pytest.mark.parametrize("token", [None, "", "wrong", SECRET[:-1], SECRET + "x"])
@pytest.mark.parametrize(
    "path", ["/api/state", "/api/pictures", "/api/jobs/x/events", "/api/results.zip", "/api/nothing"]
)
def test_all_of_the_api_needs_the_token(client, path, token):
    headers = {} if token is None else {TOKEN: token}
    address = f"http://127.0.0.1:{client.port}{path}"
    assert httpx.get(address, headers=headers).status_code == 401
    assert httpx.get(f"{address}?token={SECRET}", headers=headers).status_code == 401
    assert httpx.post(address, headers=headers).status_code == 401


def test_the_token_is_compared_in_constant_time(client, monkeypatch):
    compared = []
    monkeypatch.setattr(guard.hmac, "compare_digest", lambda *pair: compared.append(pair) or False)
    assert client.http.get("/api/state").status_code == 401
    assert compared == [(SECRET.encode(), SECRET.encode())]
    assert guard.hmac is hmac


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "null", "https://127.0.0.1:{port}", "http://127.0.0.1:1", "http://localhost:{port}"],
)
@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/api/pictures"), ("PUT", "/api/pictures/x/mask.png"), ("DELETE", "/api/pictures/x")]
)
def test_other_origins_write_nothing(client, method, path, origin):
    response = client.http.request(
        method, path, content=image_file(), headers={"Origin": origin.format(port=client.port)}
    )
    assert response.status_code == 403


OWN = [("127.0.0.1:{port}", "http://127.0.0.1:{port}"), ("photos.example", "https://photos.example")]


@pytest.mark.parametrize(("host", "origin"), OWN)
def test_our_own_origin_writes_through_a_proxy_too(client, host, origin):
    headers = {"Host": host.format(port=client.port), "Origin": origin.format(port=client.port)}
    assert client.http.post("/api/pictures", content=image_file(), headers=headers).status_code == 201


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost:80"])
def test_browsers_do_not_name_the_port_of_http(host):
    assert Guard(None, SECRET, 80)._is_ours(host)
    assert not Guard(None, SECRET, 81)._is_ours(host)


def test_a_browser_is_never_allowed_to_send_from_elsewhere(client):
    asked = {
        "Origin": "http://evil.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": TOKEN,
    }
    for method, path in [("OPTIONS", "/api/pictures"), ("GET", "/api/state"), ("GET", "/")]:
        response = client.http.request(method, path, headers=asked)
        assert not [name for name in response.headers if name.startswith("access-control")]
    assert client.http.request("OPTIONS", "/api/pictures", headers=asked).status_code == 403


@pytest.mark.parametrize(
    "path", ["/", "/static/index.html", "/api/state", "/api/pictures/none", "/nothing", "/static/none"]
)
def test_every_response_bears_the_headers(client, path):
    for headers in ({}, {"Host": "evil.example"}, {TOKEN: "wrong"}):
        response = client.http.get(path, headers=headers)
        assert {name: response.headers[name] for name in HEADERS} == HEADERS
    assert HEADERS["Content-Security-Policy"].startswith("default-src 'self'; img-src 'self' blob: data:;")
    assert "frame-ancestors 'none'" in HEADERS["Content-Security-Policy"]
    assert (HEADERS["X-Content-Type-Options"], HEADERS["Referrer-Policy"]) == ("nosniff", "no-referrer")
    assert HEADERS["Cache-Control"] == "no-store"
    assert "server" not in response.headers


def test_a_defect_is_answered_with_the_headers_in_one_line(client, monkeypatch):
    monkeypatch.setattr(client.service, "state", lambda: 1 / 0)
    response = httpx.get(f"http://127.0.0.1:{client.port}/api/state", headers={TOKEN: SECRET})  # then it is closed
    assert response.status_code == 500
    assert response.json() == {"error": "a defect of agerestore: ZeroDivisionError: division by zero"}
    assert {name: response.headers[name] for name in HEADERS} == HEADERS


def test_there_are_no_pages_of_documentation(client):
    assert {client.http.get(path).status_code for path in ("/docs", "/openapi.json", "/redoc")} == {404}
