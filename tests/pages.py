"""The server as tests call it: on a free port, with the shipped models, which are loaded once."""

import json
import socket
import threading
from concurrent.futures import Future
from contextlib import contextmanager

import httpx
import numpy as np
import uvicorn
from agerestore_cli.page.app import Api
from agerestore_cli.page.guard import TOKEN, Guard
from agerestore_cli.serve import configured

from agerestore.images import io as files
from agerestore.images.photo import Photo

SECRET = "a-token-of-tests"


class Client:
    """A client that knows the token."""

    def __init__(self, service, port):
        self.service, self.port = service, port
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{port}", headers={TOKEN: SECRET}, timeout=100)

    def upload(self, data, name="image.png"):
        response = self.http.post("/api/pictures", content=data, headers={"X-File-Name": name})
        assert response.status_code == 201, response.text
        return response.json()["id"]

    def get(self, id, what=""):
        response = self.http.get(f"/api/pictures/{id}{what}")
        assert response.status_code == 200, response.text
        return response

    def do(self, id, verb, **settings):
        """The job when it has ended."""
        response = self.http.post(f"/api/pictures/{id}/{verb}", json=settings)
        assert response.status_code == 202, response.text
        return self.end(response.json()["job"])

    def end(self, job):
        """A job when it has ended, by its events."""
        lines = self.http.get(f"/api/jobs/{job}/events").text.splitlines()
        return [json.loads(line.removeprefix("data: ")) for line in lines if line][-1]

    def inspected(self, id):
        """A file when it is inspected."""
        self.end(self.get(id).json()["job"])
        return self.get(id).json()


@contextmanager
def serving(service):
    """A client of a service, whose server ends with the block."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        loading = Future()
        loading.set_result(service)
        app = Guard(Api(loading).app(), SECRET, port, ["photos.example"])
        server = uvicorn.Server(configured(app))
        thread = threading.Thread(target=server.run, args=[[listening]])
        thread.start()
        client = Client(service, port)
        try:
            yield client
        finally:
            client.http.close()
            server.should_exit = True
            thread.join()


def image_file(side=64, seed=0):
    return files.encode(Photo(np.random.default_rng(seed).integers(0, 256, (side, side, 3), np.uint8)), ".png")
