"""Control routes for callbacks and for the switches of open questions."""

from __future__ import annotations

from collections import Counter

from aiohttp import web

from local.emulator.callback_settings import CallbackSettings, InvalidSettings
from local.emulator.control_bodies import (
    Handler,
    InvalidRequest,
    control_routes,
    json_object,
    json_response,
    limit,
)
from local.emulator.state import EmulatorState
from local.emulator.variants import InvalidVariant, Variants

__all__ = ["ControlCallbacks"]


class ControlCallbacks:
    """Handlers that configure callbacks and show their deliveries."""

    def __init__(self, state: EmulatorState) -> None:
        self._state = state

    def table(self) -> list[web.RouteDef]:
        handlers: list[tuple[str, str, Handler]] = [
            ("GET", "/callbacks", self.callbacks),
            ("PUT", "/callbacks", self.set_callbacks),
            ("DELETE", "/callbacks", self.clear_callbacks),
            ("GET", "/variants", self.variants),
            ("PUT", "/variants", self.set_variants),
            ("DELETE", "/variants", self.reset_variants),
        ]
        return control_routes(handlers)

    async def callbacks(self, request: web.Request) -> web.Response:
        """Returns the settings and the last deliveries; ``sessionId`` selects a session's."""
        callbacks, session_id = self._state.callbacks, request.query.get("sessionId")
        deliveries = [
            delivery
            for delivery in callbacks.deliveries
            if session_id in (None, delivery.session_id)
        ]
        return json_response(
            {
                **callbacks.settings.to_json(),
                "states": Counter(delivery.state.value for delivery in deliveries),
                "deliveries": [delivery.to_json() for delivery in deliveries[-limit(request) :]],
            }
        )

    async def set_callbacks(self, request: web.Request) -> web.Response:
        try:
            settings = CallbackSettings.from_json(await json_object(request))
        except InvalidSettings as error:
            raise InvalidRequest(str(error)) from error
        self._state.callbacks.configure(settings)
        return json_response(settings.to_json())

    async def clear_callbacks(self, _request: web.Request) -> web.Response:
        """Cancels retries and forgets all deliveries; keeps the settings."""
        self._state.callbacks.clear()
        return web.Response(status=204)

    async def variants(self, _request: web.Request) -> web.Response:
        return json_response(self._state.variants.to_json())

    async def set_variants(self, request: web.Request) -> web.Response:
        """Changes the given switches and keeps the others."""
        try:
            self._state.variants = self._state.variants.changed(await json_object(request))
        except InvalidVariant as error:
            raise InvalidRequest(str(error)) from error
        return json_response(self._state.variants.to_json())

    async def reset_variants(self, _request: web.Request) -> web.Response:
        self._state.variants = Variants()
        return web.Response(status=204)
