"""How many sessions a pool should hold: a pure function, decided anew at each refill.

It needs no counter on the hot path: what was taken is what the last refill left in the pool, less
what this one finds. That figure cannot show more demand than the pool held, so a pool that ran dry
grows faster, until it no longer runs dry. The simulated days behind the rule are in docs/scale.md.
"""

__all__ = ["next_target"]

_SPARE = 2
_FALL_DIVISOR = 16


def next_target(
    *, minimum: int, maximum: int, previous: int | None, taken: int, found_empty: bool
) -> int:
    """Return the number of sessions that should wait in the pool after this refill.

    * The first refill (`previous` is None) aims at `minimum`.
    * Later ones want twice what was `taken` since the last refill, and two more: demand may double
      before anybody misses, and the two cover the chance that rules small numbers.
    * That is doubled when the pool was found empty, as more may have been asked for than was there.
    * A pool found empty although nothing was taken from it was never filled, for instance because
      the vendor is down. That says nothing about demand: the target stays (a pool whose minimum is
      0 wants 1, or it would never learn of any demand).
    * The target falls slowly: only when it is more than twice what is wanted, never when the pool
      was found empty, and by a sixteenth per refill (1 at least). From ten thousand to two in two
      hours of refills every minute.
    * It is always within `minimum` … `maximum`.

    All numbers are sessions. `taken` may come out negative when two refills overlapped, and then
    counts as nothing taken. Nothing is raised: where pools are declared, `minimum` ≤ `maximum` is
    checked.
    """
    if previous is None:
        return minimum
    wanted = 2 * taken + _SPARE if taken > 0 else 0
    if found_empty:
        target = max(2 * wanted, previous, 1)
    elif previous > 2 * wanted:
        target = max(wanted, previous - max(1, previous // _FALL_DIVISOR))
    else:
        target = max(wanted, previous)
    return max(minimum, min(maximum, target))
