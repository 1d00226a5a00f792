"""``agerestore serve``: what is refused in one line before anything is served. What is served: `tests/page`."""

import importlib.util
import socket
import subprocess
import sys

import pytest
from command import run

pytest.importorskip("uvicorn", reason="pip install 'agerestore[serve]'")


def refused(*arguments):
    result = run("serve", *arguments)
    (line,) = result.stderr.splitlines()
    return result.exit_code, line.removeprefix("agerestore: ")


def test_what_cannot_be_served_is_refused_in_one_line(tmp_path):
    missing = tmp_path / "none"
    assert refused(missing) == (2, f"{missing}: no such folder; check the name")
    assert refused("--out", missing) == (2, "--out is for the results of a folder; give that, too")
    assert refused("--token", "short") == (2, "--token has 5 characters; take at least 8, or leave it out")


def test_a_port_that_is_taken_is_named():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, line = refused("--port", port)
    assert (code, line.partition(" (")[0]) == (2, f"127.0.0.1, port {port}: cannot be listened on")
    assert line.endswith("choose another --port, or 0 for any that is free")


def test_without_the_extra_it_is_said_how_to_install_it(monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "uvicorn" else found(name, *rest)
    )
    assert refused() == (2, "serve needs uvicorn; pip install 'agerestore[serve]'")


def test_a_folder_without_images_ends_the_server(tmp_path):
    code, line = refused(tmp_path, "--port", 0)
    assert code == 3
    assert line.startswith(f"{tmp_path}: holds no image")


def test_the_folder_itself_takes_no_results(tmp_path):
    code, line = refused(tmp_path, "--out", tmp_path, "--port", 0)
    assert code == 2
    assert "is the source folder itself" in line


def test_the_server_listens_before_anything_large_is_imported():
    """Networks and images are imported behind it, so that the page is there at once."""
    before = "agerestore_cli.app, agerestore_cli.page.app, agerestore_cli.page.guard, uvicorn"
    large = "{'torch', 'numpy', 'PIL', 'pydantic', 'cv2'}"
    code = f"import sys, {before}; sys.exit(str({large} & sys.modules.keys() or ''))"
    assert subprocess.run([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True).stderr == "\n"
