"""Protects the local servers from web pages that reach them through a foreign host name.

A page's own domain can be made to resolve to 127.0.0.1 (DNS rebinding). The browser then treats the
local server as part of the page's site, but still sends the page's domain in `Host`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

__all__ = ["known_hosts_only", "own_origin_only"]

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
NAMES = ("127.0.0.1", "localhost")


@web.middleware
async def known_hosts_only(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Responds 403 to requests whose `Host` is not a loopback name with this server's port."""
    if request.headers.getall("Host", []) not in [[host] for host in _hosts(request)]:
        return _forbidden("Unknown Host header. Use 127.0.0.1 or localhost.")
    return await handler(request)


def own_origin_only(*open_to_all: str) -> Callable[..., Awaitable[web.StreamResponse]]:
    """Returns a middleware that responds 403 to pages of other origins.

    Paths that start with one of `open_to_all` are exempt.
    """

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        origins = request.headers.getall("Origin", [])
        own = {f"http://{host}" for host in _hosts(request)}
        if not request.path.startswith(open_to_all) and not own.issuperset(origins):
            return _forbidden("Pages of other origins may not call this path.")
        return await handler(request)

    return middleware


def _hosts(request: web.Request) -> list[str]:
    """Returns the values of `Host` that name this server."""
    if request.transport is None:
        return []
    port = request.transport.get_extra_info("sockname")[1]
    return [f"{name}:{port}" for name in NAMES]


def _forbidden(message: str) -> web.Response:
    return web.json_response({"message": message}, status=403)
