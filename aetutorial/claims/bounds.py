"""The bound of a claim, and a measured value written so that it is seen on its own side of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from aetutorial import display, validation


class Bound(NamedTuple):
    """An interval, closed or open, and the words for it, such as "must exceed 1.3"."""

    low: float
    high: float
    closed: bool
    words: str

    def allows(self, value: float) -> bool:
        """Return whether a value lies within; never for NaN."""
        on_its_edge = not self.closed and value in (self.low, self.high) and math.isfinite(value)
        return self.low <= value <= self.high and not on_its_edge


def bound_of(above: float | None, below: float | None, between: tuple[float, float] | None) -> Bound:
    """Return the bound that the arguments of a claim give.

    Raises:
        TypeError, ValueError: they are not exactly one bound of finite numbers.
    """
    given = [name for name, bound in (("above", above), ("below", below), ("between", between)) if bound is not None]
    if len(given) != 1:
        received = " and ".join(given) or "none of them"
        raise ValueError(f"Give exactly one of `above`, `below`, `between`. Received: {received}.")
    if between is not None:
        if not isinstance(between, Sequence) or isinstance(between, str) or len(between) != 2:
            arrived = validation.describe(between)
            raise ValueError(validation.message("between", "two numbers", arrived))
        low, high = (validation.real("between", end) for end in between)
        if low > high:
            expected = "two numbers, the smaller first"
            raise ValueError(validation.message("between", expected, between))
        return Bound(low, high, True, f"must lie between {display.exact(low)} and {display.exact(high)}")
    if above is not None:
        low = validation.real("above", above)
        return Bound(low, math.inf, False, f"must exceed {display.exact(low)}")
    high = validation.real("below", below)
    return Bound(-math.inf, high, False, f"must stay below {display.exact(high)}")


def shown(value: float, digits: int | None, bound: Bound) -> str:
    """Return the value as short as may be, and on the same side of its bound as the value itself."""
    forms = [display.significant(value) if digits is None else f"{value:,.{digits}f}"]
    forms += [display.significant(value, more) for more in range(3, 17)]
    same = (form for form in forms if bound.allows(float(form.replace(",", ""))) == bound.allows(value))
    return next(same, repr(value))
