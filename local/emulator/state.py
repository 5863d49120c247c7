"""The state of one emulator: the services that its routes use."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from aiohttp import web

from local.emulator.admission import Admission
from local.emulator.archive_store import Archives
from local.emulator.callbacks import Callbacks
from local.emulator.client_events import ClientEvents
from local.emulator.client_tokens import ClientTokens
from local.emulator.clients import Clients
from local.emulator.events import EventBus
from local.emulator.faults import Faults
from local.emulator.features import Features
from local.emulator.journal import Journal
from local.emulator.moderation import Moderation
from local.emulator.options import Unrecorded
from local.emulator.presence import Presence
from local.emulator.projects import Platform, Projects
from local.emulator.request_log import RequestLog
from local.emulator.rest_auth import RestAuth
from local.emulator.sessions import Sessions
from local.emulator.variants import Variants

__all__ = ["EmulatorState"]


class EmulatorState:
    """The state of one running emulator.

    Args:
        credentials: of the projects, as a credentials file has them.
        state_file: keeps sessions and archives across restarts.
        strict_jwt_life: whether to enforce the documented life of REST tokens.
        unrecorded: what to do with options whose rejection is not recorded; see ``options``.
        clock: seconds since the epoch.

    Attributes:
        vonage_port: the port that serves only the Vonage host; every other port serves OpenTok's.
            None: one port serves both, and the credentials of a call decide.

    Raises:
        InvalidCredentials: if the credentials are invalid.
    """

    def __init__(
        self,
        credentials: object,
        *,
        state_file: Path | None = None,
        strict_jwt_life: bool = False,
        unrecorded: Unrecorded = Unrecorded.REFUSE,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.clock = clock
        self.unrecorded = unrecorded
        self.vonage_port: int | None = None
        self.variants = Variants()
        self.faults = Faults()
        self.log = RequestLog()
        self.projects = Projects(clock)
        self.projects.load(credentials)
        self.auth = RestAuth(self.projects, strict_jwt_life)
        self.tokens = ClientTokens(self.projects)
        self.events = EventBus()
        self.journal = Journal(state_file)
        records = self.journal.recorded()
        self.sessions = Sessions(clock, self.journal, records)
        self.admission = Admission(self.sessions, self.tokens)
        self.presence = Presence(self.sessions, self.events, clock, self.current_variants)
        self.archives = Archives(
            self.sessions, self.events, clock, self.journal, self.current_variants, records
        )
        self.callbacks = Callbacks(self.projects, clock, self.current_variants)
        self.features = Features(self.sessions, self.admission, self.presence, self.events, clock)
        self.clients = Clients()
        self.moderation = Moderation(self.clients)
        self.events.subscribe(self.callbacks.notify)
        self.events.subscribe(ClientEvents(self.clients).notify)
        self.journal.start(self.sessions.records() + self.archives.records())

    def current_variants(self) -> Variants:
        """Returns the selected form of each open question."""
        return self.variants

    async def close(self) -> None:
        """Stops callbacks and closes the state file."""
        await self.callbacks.close()
        self.journal.close()

    def host_of(self, request: web.Request) -> Platform | None:
        """Returns the vendor's host that this call was made to, or None if one port serves both."""
        if self.vonage_port is None or request.transport is None:
            return None
        port = request.transport.get_extra_info("sockname")[1]
        return Platform.VONAGE if port == self.vonage_port else Platform.OPENTOK
