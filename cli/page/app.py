"""The routes of the HTTP API (docs/reference/http.md).

The server listens before what computes is imported, and models are loaded: of that only `Api._service` knows. Starlette
runs handlers that are no coroutines in threads, where they may wait.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from concurrent.futures import Future
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from agerestore.errors import AgeRestoreError

from .requests import answer_error, file_name, read_body, read_json, whole
from .worker import ENDED, Task

if TYPE_CHECKING:
    from agerestore.images.photo import Photo

    from .service import Service
    from .store import Held

STATIC = Path(__file__).parent / "static"
AT_ONCE = 2  # bodies of files that are read at the same time; others wait unread
SIDES = (16, 4096)  # pixels a side of previews
MOST_CROP = 4096**2  # pixels of a crop
LOOK = 0.05  # seconds between two looks at a task


class Api:
    """The handlers of the routes."""

    def __init__(self, loading: "Future[Service]") -> None:
        """Answer for a service that is being loaded."""
        self._loading = loading
        self._reading = asyncio.Semaphore(AT_ONCE)

    def app(self) -> Starlette:
        """The application; a `Guard` comes before it."""
        one = "/api/pictures/{id}"
        routes = [
            Route("/api/state", self.state),
            Route("/api/pictures", self.files),
            Route("/api/pictures", self.upload, methods=["POST"]),
            Route("/api/results.zip", self.results),
            Route("/api/folder/restore", self.folder, methods=["POST"]),
            Route("/api/jobs/{id}", self.job, methods=["GET", "DELETE"]),
            Route("/api/jobs/{id}/events", self.events),
            Route(one, self.file, methods=["GET", "DELETE"]),
            Route(f"{one}/preview", self.preview),
            Route(f"{one}/crop", self.crop),
            Route(f"{one}/file", self.output),
            Route(f"{one}/mask.png", self.mask, methods=["GET", "DELETE"]),
            Route(f"{one}/mask.png", self.take_mask, methods=["PUT"]),
            *(Route(f"{one}/{verb}", self.work, methods=["POST"]) for verb in ("restore", "colorize", "find")),
            Mount("/", StaticFiles(directory=STATIC, html=True)),
        ]
        kinds = (HTTPException, AgeRestoreError, OSError, Exception)
        return Starlette(routes=routes, exception_handlers=dict.fromkeys(kinds, answer_error))

    @property
    def _service(self) -> "Service":
        """Waits until it is loaded."""
        return self._loading.result()

    def state(self, request: Request) -> Response:
        """What the server is and can; the only answer of the API that does not wait for the models."""
        return JSONResponse(self._service.state() if self._loading.done() else {"ready": False})

    def files(self, request: Request) -> Response:
        """All files."""
        return JSONResponse([held.summary() for held in self._service.store.all()])

    async def upload(self, request: Request) -> Response:
        """Take one more file."""
        service = await run_in_threadpool(self._loading.result)
        async with self._reading:
            data = await read_body(request, service.options.max_bytes)
            held = await run_in_threadpool(service.upload, file_name(request), data)
        return JSONResponse(await run_in_threadpool(service.describe, held), 201)

    def file(self, request: Request) -> Response:
        """All that is known of a file, or its end."""
        held = self._held(request)
        if request.method != "DELETE":
            return JSONResponse(self._service.describe(held))
        self._service.cancel(held)
        if held.job is None:
            self._service.store.drop(held)
        return Response(status_code=204)

    def preview(self, request: Request) -> Response:
        """A reduced image."""
        from .views import preview

        return preview(self._photo(request), min(max(whole(request, "side", 2048), SIDES[0]), SIDES[1]))

    def crop(self, request: Request) -> Response:
        """A part of an image at its own size."""
        from .views import crop

        x, y, width, height = box = [whole(request, name) for name in ("x", "y", "width", "height")]
        photo = self._photo(request)
        rows, columns = photo.pixels.shape[:2]
        if x >= columns or y >= rows or not 0 < width * height <= MOST_CROP:
            raise HTTPException(400, f"{width} x {height} pixels from {x}, {y} are no part of {columns} x {rows}")
        return crop(photo, *box)

    def output(self, request: Request) -> Response:
        """A file that was made, to the byte as the command writes it."""
        held, what = self._held(request), request.query_params.get("what", "after")
        if (found := held.results.get(what)) is None:
            raise HTTPException(404, f"there is no {what!r} of {held.name}")
        name = quote(PurePosixPath(found.name).name, safe="")
        headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{name}"}
        return Response(found.read(), headers=headers, media_type="application/octet-stream")

    def mask(self, request: Request) -> Response:
        """The mask, white where pixels are missing; or its end."""
        held = self._held(request)
        if request.method == "DELETE":
            held.mask = None
            return Response(status_code=204)
        if held.mask is None:
            raise HTTPException(404, f"{held.name} has no mask")
        return Response(held.mask.png, media_type="image/png")

    async def take_mask(self, request: Request) -> Response:
        """Another mask."""
        held = await run_in_threadpool(self._held, request)
        async with self._reading:
            data = await read_body(request, self._service.options.max_bytes)
        share = await run_in_threadpool(self._service.set_mask, held, data)
        return JSONResponse({"share": share})

    def results(self, request: Request) -> Response:
        """All results, or those of some files, in one archive."""
        from .views import archive

        ids = request.query_params.get("ids")
        files = [held for held in self._service.store.all() if ids is None or held.id in ids.split(",")]
        found = archive([output for held in files for output in held.results.values()])
        headers = {"Content-Disposition": 'attachment; filename="agerestore.zip"'}
        return StreamingResponse(found, headers=headers, media_type="application/zip")

    async def work(self, request: Request) -> Response:
        """Restore, colorize or find defects."""
        verb, settings = request.url.path.rpartition("/")[2], await read_json(request)
        task = await run_in_threadpool(lambda: self._service.submit(self._held(request), verb, settings))
        return JSONResponse({"job": task.id}, 202)

    async def folder(self, request: Request) -> Response:
        """Restore all of the folder."""
        settings = await read_json(request)
        task = await run_in_threadpool(lambda: self._service.submit_folder(settings))
        return JSONResponse({"job": task.id}, 202)

    def job(self, request: Request) -> Response:
        """How far a task is, or its end."""
        task = self._task(request)
        if request.method != "DELETE":
            return JSONResponse(task.as_json(self._service.worker.place(task)))
        self._service.worker.cancel(task)
        return Response(status_code=204)

    def events(self, request: Request) -> Response:
        """How far a task is, each time that changes, until it ends."""
        return StreamingResponse(self._news(self._task(request)), media_type="text/event-stream")

    async def _news(self, task: Task) -> AsyncIterator[str]:
        said: dict[str, Any] = {"state": ""}
        while said["state"] not in ENDED:
            state = task.as_json(self._service.worker.place(task))
            if state == said:
                await asyncio.sleep(LOOK)
            else:
                said = state
                yield f"data: {json.dumps(state)}\n\n"

    def _held(self, request: Request) -> "Held":
        id = request.path_params["id"]
        if (held := self._service.store.get(id)) is None:
            if id in self._service.store.dropped:
                raise HTTPException(410, "dropped, as others took its place; open the file again")
            raise HTTPException(404, "no such picture")
        self._service.open(held)
        return held

    def _photo(self, request: Request) -> "Photo":
        held, what = self._held(request), request.query_params.get("what", "before")
        if what != "before" and what not in held.results:
            raise HTTPException(404, f"there is no {what!r} of {held.name}")
        return self._service.photo(held, what)

    def _task(self, request: Request) -> Task:
        if (task := self._service.worker.tasks.get(request.path_params["id"])) is None:
            raise HTTPException(404, "no such job")
        return task
