"""The state of one emulator: the services that its routes use."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from local.emulator.client_tokens import ClientTokens
from local.emulator.faults import Faults
from local.emulator.journal import Journal
from local.emulator.options import Unrecorded
from local.emulator.projects import Platform, Projects
from local.emulator.request_log import RequestLog
from local.emulator.rest_auth import RestAuth
from local.emulator.sessions import Sessions

__all__ = ["EmulatorState"]


@dataclass(slots=True)
class EmulatorState:
    """The state of one running emulator.

    Attributes:
        unrecorded: what to do with options whose rejection is not recorded; see ``options``.
        vonage_port: the port that serves only the Vonage host; every other port serves OpenTok's.
            None: one port serves both, and the credentials of a call decide.
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
        state_file: Path | None = None,
        strict_jwt_life: bool = False,
        unrecorded: Unrecorded = Unrecorded.REFUSE,
        clock: Callable[[], float] = time.time,
    ) -> EmulatorState:
        """Creates the state from credentials.

        Raises:
            InvalidCredentials: if the credentials are invalid.
        """
        projects = Projects(clock)
        projects.load(credentials)
        return cls(
            projects=projects,
            sessions=Sessions(clock, Journal(state_file)),
            auth=RestAuth(projects, strict_jwt_life),
            tokens=ClientTokens(projects),
            clock=clock,
            unrecorded=unrecorded,
        )

    def host_of(self, request: web.Request) -> Platform | None:
        """Returns the vendor's host that this call was made to, or None if one port serves both."""
        if self.vonage_port is None or request.transport is None:
            return None
        port = request.transport.get_extra_info("sockname")[1]
        return Platform.VONAGE if port == self.vonage_port else Platform.OPENTOK
