"""What the stand-in is made of: the parts that its routes work with."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from local.opentok.client_tokens import ClientTokens
from local.opentok.faults import Faults
from local.opentok.journal import Journal
from local.opentok.options import Unrecorded
from local.opentok.projects import Platform, Projects
from local.opentok.request_log import RequestLog
from local.opentok.rest_auth import RestAuth
from local.opentok.sessions import Sessions

__all__ = ["StandIn"]


@dataclass(slots=True)
class StandIn:
    """One running stand-in.

    Attributes:
        unrecorded: see ``options``.
        vonage_port: the port that plays the Vonage host alone; every other plays OpenTok's. None:
            one port plays both, and the credentials of a call decide.
    """

    projects: Projects
    sessions: Sessions
    auth: RestAuth
    tokens: ClientTokens
    clock: Callable[[], float]
    unrecorded: Unrecorded = Unrecorded.REFUSE
    vonage_port: int | None = None
    faults: Faults = field(default_factory=Faults)
    log: RequestLog = field(default_factory=RequestLog)

    @classmethod
    def new(
        cls,
        credentials: object,
        *,
        state: Path | None = None,
        strict_jwt_life: bool = False,
        unrecorded: Unrecorded = Unrecorded.REFUSE,
        clock: Callable[[], float] = time.time,
    ) -> StandIn:
        """Put one together.

        Raises:
            InvalidCredentials: when the credentials are not.
        """
        projects = Projects(clock)
        projects.load(credentials)
        return cls(
            projects=projects,
            sessions=Sessions(clock, Journal(state)),
            auth=RestAuth(projects, strict_jwt_life),
            tokens=ClientTokens(projects),
            clock=clock,
            unrecorded=unrecorded,
        )

    def host_of(self, request: web.Request) -> Platform | None:
        """Which of the vendor's hosts this call was made to, if they are told apart."""
        if self.vonage_port is None or request.transport is None:
            return None
        port = request.transport.get_extra_info("sockname")[1]
        return Platform.VONAGE if port == self.vonage_port else Platform.OPENTOK
