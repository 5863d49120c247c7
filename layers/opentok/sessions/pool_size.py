"""How many sessions a pool should hold: a pure function, decided anew at each refill.

It needs no counter on the hot path: what was taken is what the last refill left in the pool, less what
this one finds. That figure cannot show more demand than the pool held, so a pool that ran dry doubles
until it no longer does.
"""

__all__ = ["next_target"]

_HEADROOM = 2
_FALL_DIVISOR = 16


def next_target(
    *, minimum: int, maximum: int, previous: int | None, taken: int, found_empty: bool
) -> int:
    """Return the number of sessions that should wait in the pool after this refill.

    * The first refill (`previous` is None) aims at `minimum`.
    * Otherwise the target is twice what was `taken` since the last refill, so that demand may double
      from one refill to the next and nobody misses.
    * A pool that was used up (`found_empty`, and something was taken) wants at least twice the previous
      target: demand was more than it could show.
    * A pool that was found empty although nothing was taken was never filled, for instance because the
      vendor is down. That says nothing about demand, so the target stays (but is at least 1, as a pool
      of nothing would never learn of any).
    * The target falls by a sixteenth of itself per refill at most (but always by 1 at least): some two
      hours from ten thousand to a handful, when refilled every minute.
    * It is always within `minimum` … `maximum`.

    All numbers are sessions. `taken` may come out negative when two refills overlapped, and then counts
    as nothing taken. Nothing is raised; `minimum` ≤ `maximum` is checked where pools are declared.
    """
    if previous is None:
        return minimum
    wanted = _HEADROOM * taken
    if not found_empty:
        lowest = previous - max(1, previous // _FALL_DIVISOR)
    elif taken > 0:
        lowest = 2 * previous
    else:
        lowest = max(1, previous)
    return max(minimum, min(maximum, max(wanted, lowest)))
