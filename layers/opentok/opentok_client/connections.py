"""Kept-alive connections to the vendor, with two corrections of the standard behaviour.

* A connection that was idle for a minute is not used again. Its other end may be gone, and after an
  execution environment was frozen no packet has reported that.
* Interim responses (102, 103) are skipped. Python's client skips 100 only and would take the others
  for the final response, and the final response for that of the connection's next request.
"""

from __future__ import annotations

from http.client import HTTPException
from http.client import HTTPResponse as RawResponse
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.response import HTTPResponse

from .clock import Clocks, Instant

__all__ = ["VendorAdapter"]

IDLE_SECONDS = 60.0
INTERIM_MAX = 10
CLOCKS = Clocks()


class _FinalResponse(RawResponse):
    """The first response that is not an interim one."""

    def begin(self) -> None:
        for _ in range(INTERIM_MAX + 1):
            super().begin()
            if self.status >= 200:
                return
            if self.status == 101:
                raise HTTPException("the server switched to another protocol")
            self.headers = self.msg = None  # type: ignore[assignment]  # as before the first read
        raise HTTPException("too many interim responses")


class _Connection(HTTPConnection):
    response_class = _FinalResponse
    _usable_until: Instant | None = None

    @property
    def is_connected(self) -> bool:
        """Returns False when the pool must not use the connection again."""
        idle_too_long = self._usable_until is not None and CLOCKS.reached(self._usable_until)
        return super().is_connected and not idle_too_long

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # as in urllib3
        response = super().getresponse()
        self._usable_until = CLOCKS.now().plus(IDLE_SECONDS)
        return response


class _TlsConnection(_Connection, HTTPSConnection):
    """The same over TLS."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class VendorAdapter(HTTPAdapter):
    """Keeps up to `connections` connections per host, and never retries by itself."""

    def __init__(self, connections: int) -> None:
        super().__init__(pool_maxsize=connections, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        _use_our_pools(self.poolmanager)

    def proxy_manager_for(self, proxy: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **kwargs)
        _use_our_pools(manager)
        return manager


def _use_our_pools(manager: PoolManager) -> None:
    manager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
