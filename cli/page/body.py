"""Reading what clients send: counted while it comes, whatever its header says, and never waited for without end."""

import asyncio
import json
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request

PAUSE = 30  # seconds that a client may send nothing
MOST_JSON = 2**18  # bytes of settings


async def read_body(request: Request, most: int) -> bytes:
    """The body of a request.

    Raises:
        HTTPException: It is longer than `most` bytes, or does not come.
    """
    stated = request.headers.get("content-length", "0")
    if stated.isdecimal() and int(stated) > most:
        raise _too_long(most)
    parts: list[bytes] = []
    length, stream = 0, aiter(request.stream())
    while True:
        try:
            async with asyncio.timeout(PAUSE):
                part = await anext(stream, None)
        except TimeoutError:
            raise HTTPException(408, "nothing came for too long; send it again") from None
        if part is None:
            return b"".join(parts)
        length += len(part)
        if length > most:
            raise _too_long(most)
        parts.append(part)


async def read_json(request: Request) -> Any:
    """The settings of a request; of an empty body none.

    Raises:
        HTTPException: It is no JSON.
    """
    body = await read_body(request, MOST_JSON)
    try:
        return json.loads(body or b"{}")
    except (ValueError, RecursionError):
        raise HTTPException(400, "the body is no JSON") from None


def _too_long(most: int) -> HTTPException:
    return HTTPException(413, f"more than {most / 1e6:g} MB; send a smaller file")
