"""The web application: the page, its own paths, and the sample apps' paths."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

from aiohttp import ClientSession, web
from botocore.exceptions import BotoCoreError, ClientError

from local.console.api import Api, NoResponse, Response
from local.console.browser_call import SDK_PATH, BrowserCall
from local.console.pools import Pools, RefillFailed
from local.console.sample_apps import SAMPLE_PATHS, SampleApps
from local.console.sample_features import FEATURE_PATHS, SampleFeatures
from local.console.stack_file import StackFile
from local.console.users import UnknownUser, Users
from local.loopback import known_hosts_only, own_origin_only

__all__ = ["application"]

PAGE = Path(__file__).parent / "page"

#: Prefix of calls to the API. The rest of the path is the API's own.
API_PREFIX = "/api"

#: The page loads only its own files.
_PAGE_POLICY = (
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "object-src 'none'"
)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Console:
    """Handlers of the page's own paths."""

    def __init__(
        self,
        stack: StackFile,
        api: Api,
        vendor: Api,
        users: Users,
        pools: Pools,
        calls: BrowserCall,
    ) -> None:
        self._stack = stack
        self._calls = calls
        self._api = api
        self._vendor = vendor
        self._users = users
        self._pools = pools

    def table(self) -> list[web.RouteDef]:
        return [
            web.get("/", self.page),
            web.get("/console/stack", self.stack),
            web.post("/console/sign-in", self.sign_in),
            web.post("/console/connect", self.connect),
            web.get("/console/pools", self.pools),
            web.post("/console/pools/refill", self.refill),
            web.route("*", API_PREFIX + "/{path:.*}", self.forward),
        ]

    async def page(self, _request: web.Request) -> web.FileResponse:
        return web.FileResponse(PAGE / "index.html")

    async def stack(self, _request: web.Request) -> web.Response:
        """Returns what the page shows of the stack, and its users."""
        return web.json_response(
            {
                "platform": self._stack.platform,
                "projectId": self._stack.project_id,
                "apiUrl": self._stack.api_url,
                "callsUnavailable": self._calls.unavailable,
                "users": [
                    {"name": name, "sub": self._users.sub(name)} for name in self._users.names
                ],
            }
        )

    async def sign_in(self, request: web.Request) -> web.Response:
        name = (await _json_object(request)).get("user")
        try:
            user = await self._users.signed_in(str(name))
        except UnknownUser:
            return _message(404, "The stack has no such user.")
        return web.json_response(
            {
                "name": user.name,
                "sub": user.sub,
                "token": user.token,
                "expiresAt": user.expires_at,
            },
            headers={"Cache-Control": "no-store"},
        )

    async def connect(self, request: web.Request) -> web.Response:
        """Reports whether a client could connect, according to the emulator."""
        headers = {"Content-Type": "application/json"}
        body = await request.read()
        return _forwarded(await self._vendor.call("POST", "/_emulator/connect", headers, body))

    async def pools(self, _request: web.Request) -> web.Response:
        return web.json_response({"pools": await asyncio.to_thread(self._pools.read)})

    async def refill(self, _request: web.Request) -> web.Response:
        try:
            return web.json_response(await asyncio.to_thread(self._pools.refill))
        except RefillFailed as error:
            return _message(502, str(error))

    async def forward(self, request: web.Request) -> web.Response:
        path = request.raw_path.removeprefix(API_PREFIX)
        return _forwarded(
            await self._api.call(request.method, path, request.headers, await request.read())
        )


async def application(stack: StackFile) -> web.Application:
    """Returns the console of that stack, ready to be served."""
    open_paths = (*SAMPLE_PATHS, *FEATURE_PATHS, SDK_PATH)
    app = web.Application(
        middlewares=[known_hosts_only, own_origin_only(*open_paths), _failures_reported]
    )

    async def connections(app: web.Application) -> AsyncIterator[None]:
        yield
        await session.close()

    session = ClientSession()
    app.cleanup_ctx.append(connections)
    app.on_response_prepare.append(_page_headers)
    users = Users.of(stack)
    api = Api(session, stack.api_url)
    vendor = Api(session, stack.vendor_url)
    calls = BrowserCall(stack.vendor_url)
    app.add_routes(Console(stack, api, vendor, users, Pools.of(stack), calls).table())
    app.add_routes(calls.table())
    samples = SampleApps(api, users)
    app.add_routes(samples.table())
    app.add_routes(SampleFeatures(api, users, samples).table())
    app.router.add_static("/page", PAGE)
    return app


@web.middleware
async def _failures_reported(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Responds 502 with a message when a part of the stack does not respond."""
    try:
        return await handler(request)
    except NoResponse as error:
        return _message(502, str(error))
    except (BotoCoreError, ClientError) as error:
        return _message(502, f"The local AWS: {error}")


async def _page_headers(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers.setdefault("Cache-Control", "no-cache")
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    if response.content_type == "text/html":
        response.headers.setdefault("Content-Security-Policy", _PAGE_POLICY)


async def _json_object(request: web.Request) -> dict[str, object]:
    try:
        body: object = await request.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise web.HTTPBadRequest(text="The body must be a JSON object.")
    return body


def _forwarded(response: Response) -> web.Response:
    return web.Response(status=response.status, body=response.body, headers=response.headers)


def _message(status: int, text: str) -> web.Response:
    return web.json_response({"message": text}, status=status)
