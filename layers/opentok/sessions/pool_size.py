"""How many sessions a pool should hold: a pure function, decided anew at each refill.

It needs no counter on the hot path: what was taken is what the last refill left in the pool, less what
this one finds. That figure cannot show more demand than the pool held, so a pool that ran dry grows
faster, until it no longer runs dry.
"""

__all__ = ["next_target"]

_HEADROOM = 2
_HEADROOM_WHEN_EMPTY = 4
_FALL_DIVISOR = 16


def next_target(
    *, minimum: int, maximum: int, previous: int | None, taken: int, found_empty: bool
) -> int:
    """Return the number of sessions that should wait in the pool after this refill.

    * The first refill (`previous` is None) aims at `minimum`.
    * Otherwise the target is twice what was `taken` since the last refill: demand may double from one
      refill to the next before anybody misses.
    * That is doubled once more when the pool was found empty, as more may have been asked for.
    * A pool that was found empty although nothing was taken from it was never filled, for instance
      because the vendor is down. That says nothing about demand, so the target stays as it is.
    * The target never falls when the pool was found empty, and otherwise by a sixteenth of itself per
      refill at most (but 1 at least): from ten thousand to two in about two hours of minutes.
    * A pool whose minimum is 0 wants 1 when found empty, or it would never learn of any demand.
    * The target is always within `minimum` … `maximum`.

    All numbers are sessions. `taken` may come out negative when two refills overlapped, and then counts
    as nothing taken. Nothing is raised: where pools are declared, `minimum` ≤ `maximum` is checked.
    """
    if previous is None:
        return minimum
    if found_empty:
        wanted = max(_HEADROOM_WHEN_EMPTY * taken, previous, 1)
    else:
        slowest = previous - max(1, previous // _FALL_DIVISOR)
        wanted = max(_HEADROOM * taken, slowest)
    return max(minimum, min(maximum, wanted))
