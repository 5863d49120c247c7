"""Responds to a call with its configured fault."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable

from aiohttp import web

from local.emulator.faults import Body, Fault

__all__ = ["respond_with"]

CHUNK = 65_536

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


async def respond_with(
    fault: Fault, request: web.Request, handler: Handler
) -> web.StreamResponse | None:
    """Responds as the fault says; returns None if the connection was reset instead."""
    real = await handler(request) if fault.status is None else None
    await asyncio.sleep(fault.delay_ms / 1000)
    if fault.reset:
        _reset(request)
        return None
    content_type, body = _content(fault, real)
    response = web.StreamResponse(status=fault.status or (real.status if real else 200))
    response.headers["Content-Type"] = content_type
    response.headers.update(fault.headers)
    if fault.body is not Body.HUGE:  # no Content-Length: a client has to count
        response.content_length = len(body)
    sent = body[: len(body) // 2] if fault.body is Body.TRUNCATED else body
    step = 1 if fault.byte_delay_ms else CHUNK
    try:
        await response.prepare(request)
        for start in range(0, len(sent), step):
            await response.write(sent[start : start + step])
            await asyncio.sleep(fault.byte_delay_ms / 1000)
    except ConnectionError:
        return response  # the client closed the connection early
    if fault.body is Body.TRUNCATED and request.transport is not None:
        request.transport.close()
    return response


def _content(fault: Fault, real: web.StreamResponse | None) -> tuple[str, bytes]:
    replacement = fault.replacement()
    if replacement is not None:
        return replacement
    assert isinstance(real, web.Response) and isinstance(real.body, bytes)  # noqa: S101
    return real.headers["Content-Type"], real.body


def _reset(request: web.Request) -> None:
    """Aborts with RST: a linger time of zero makes the kernel send it."""
    transport = request.transport
    if transport is None:
        return
    connection = transport.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
