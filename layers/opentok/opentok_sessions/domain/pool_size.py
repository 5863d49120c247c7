"""How many sessions a pool should hold: a pure function, evaluated at each refill.

It needs no counter on the hot path: the number of claims is the difference between what the last
refill left in the pool and what this one finds. That cannot exceed what the pool held, so a pool
that ran empty grows faster until it no longer does. docs/scale.md simulates the rule.
"""

__all__ = ["next_target"]

_EXTRA = 2
_FALL_DIVISOR = 16


def next_target(
    *, minimum: int, maximum: int, previous: int | None, taken: int, found_empty: bool
) -> int:
    """Returns the number of sessions that the pool should hold after this refill.

    * The first refill (`previous` is None) aims at `minimum`.
    * Later ones want twice the number `taken` since the last refill, plus two: demand may double
      without a miss, and the two extra absorb randomness at low rates.
    * That is doubled when the pool was found empty, because demand may have exceeded its content.
    * A pool found empty although nothing was taken from it was never filled, for instance because
      the vendor is down. That does not indicate demand: the target stays. (A pool whose minimum
      is 0 wants 1, otherwise it would never detect demand.)
    * The target falls slowly: only when it is more than twice what is wanted, never when the pool
      was found empty, and by a sixteenth per refill (1 at least). From ten thousand to two in two
      hours of refills every minute.
    * It is always within `minimum` … `maximum`.

    All numbers are sessions. `taken` may be negative when two refills overlapped, and then counts
    as 0. The parser of pools checks that `minimum` ≤ `maximum`.
    """
    if previous is None:
        return minimum
    wanted = 2 * taken + _EXTRA if taken > 0 else 0
    if found_empty:
        target = max(2 * wanted, previous, 1)
    elif previous > 2 * wanted:
        target = max(wanted, previous - max(1, previous // _FALL_DIVISOR))
    else:
        target = max(wanted, previous)
    return max(minimum, min(maximum, target))
