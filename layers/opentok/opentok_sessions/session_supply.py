"""Where a new session can come from: a pool, or the vendor."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from opentok_client.credentials import Credentials
from opentok_client.options import SessionOptions

from .domain.deadline import AWS_CALL_SECONDS, Deadline
from .domain.models import Source
from .domain.pools import Pools
from .domain.problems import Problem, StorageUnavailable
from .domain.requests import ChosenOptions
from .runtime import telemetry
from .storage.pool_store import PoolStore
from .vendor import Vendor

__all__ = ["Candidate", "SessionSupply"]


class Candidate(NamedTuple):
    """A session that could become the caller's, and the credentials that sign its tokens."""

    session_id: str
    credentials: Credentials
    source: Source
    options: SessionOptions
    media_mode_reason: str


class SessionSupply:
    """Finds pooled sessions and creates new ones."""

    def __init__(self, pool_store: PoolStore, pools: Pools, vendor: Vendor) -> None:
        self._pool_store = pool_store
        self._pools = pools
        self._vendor = vendor

    def pooled(
        self, options: SessionOptions, reason: str, credentials: Credentials, deadline: Deadline
    ) -> Iterator[Candidate]:
        """Yields sessions of the declared pool with exactly these options.

        Another request may claim any of them first. A failed query ends the list: then the vendor
        is called, which needs no index.
        """
        if (pool := self._pools.matching(options)) is None:
            return
        pool_id = pool.id_for(credentials.project_id)
        found = self._pool_store.find_pooled(pool_id, deadline)
        while (session_id := self._next(found)) is not None:
            yield Candidate(session_id, credentials, Source.POOL, options, reason)
        telemetry.count_pool(pool.name, "PoolMissed")

    @staticmethod
    def _next(session_ids: Iterator[str]) -> str | None:
        try:
            return next(session_ids, None)
        except StorageUnavailable:  # logged where it was raised
            telemetry.count("PoolQueryFailed")
            return None

    def create(self, chosen: ChosenOptions, deadline: Deadline) -> Candidate:
        """Creates a session with the vendor, in time to record it before the deadline.

        Raises `VendorUnavailable`, `VendorRejected`, `CredentialsUnavailable`, or
        `StorageUnavailable` when AWS was so slow that too little time is left.
        """
        new = self._vendor.create_session(chosen.options, deadline.vendor_seconds())
        return Candidate(
            new.session_id, new.credentials, Source.CREATED, chosen.options, chosen.reason
        )

    def return_surplus(self, candidate: Candidate, now: float, deadline: Deadline) -> None:
        """Adds a session that was created and not needed to the matching pool, if there is one.

        Never raises: the caller already has a response, and an unused session costs nothing.
        """
        pool = self._pools.matching(candidate.options)
        if pool is not None and deadline.allows(AWS_CALL_SECONDS):
            project_id = candidate.credentials.project_id
            pool_id = pool.id_for(project_id)
            try:
                self._pool_store.add(candidate.session_id, project_id, pool_id, now)
                return
            except Problem:
                pass
        telemetry.count("SessionDropped")
