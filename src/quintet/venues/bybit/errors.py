"""What a code of the venue means for a request of ours.

    accepted   taken, or taken before: a duplicate id says that the first one landed
    again      it was not taken, for a reason that passes: it may be sent again
    refused    it was not taken, and sending it again would change nothing
    gone       the order it speaks of is over, or never was: its own stream or a question tells which
    unknown    it may have landed: it is asked about
    fatal      nothing can be sent any more; a person has to look

A code that is not listed is *unknown*: a question costs little, a second order does not.
"""

from typing import Final, Literal, NamedTuple

from quintet.core.orders import lifecycle

Meaning = Literal["accepted", "again", "refused", "gone", "unknown", "fatal"]

OUTSIDE_WINDOW: Final = 10002
TOO_MANY_VISITS: Final = 10006

_ACCEPTED: Final = (0, 110072, 170141, 12141)
_AGAIN: Final = (OUTSIDE_WINDOW, TOO_MANY_VISITS, 10018, 10403, 10429, 20003, 170005, 170222)
_GONE: Final = (110001, 110008, 110010, 110019, 170139, 170142, 170143, 170213)
_UNKNOWN: Final = (10000, 10014, 10016, 10019, 20006, 110079, 170007, 170032, 170146, 170147)
_FATAL: Final = (
    (10003, 10004, 10005, 10007, 10008, 10009, 10010, 10017, 10024, 10027, 10028, 10029, 33004)
)  # fmt: skip

_PRICE: Final = (110003, 110092, 110093, 110094, 170132, 170133, 170134, 170140, 170192, 170193, 170194, 170371, 170372)
_QUANTITY: Final = (170124, 170135, 170136, 170137, 170381, 170382)
_BALANCE: Final = (
    (110004, 110006, 110007, 110011, 110012, 110014, 110040, 110044, 110045, 110051, 110052, 110053, 110090, 170131)
)  # fmt: skip
_STYLE: Final = (170115, 170116, 170117)
_REFUSED: Final[dict[int, int]] = {
    **dict.fromkeys((10001, 10404, *_PRICE, *_QUANTITY, *_BALANCE), lifecycle.NO_REASON),
    **dict.fromkeys((110013, 110021, 110057, 110058, 110059, 110060, 110061, 110074), lifecycle.NO_REASON),
    **dict.fromkeys((170121, 170151, 170210, 34040), lifecycle.NO_REASON),
    **dict.fromkeys(_STYLE, lifecycle.UNKNOWN_STYLE),
    **dict.fromkeys((110009, 110020, 170810), lifecycle.TOO_MANY),
    110017: lifecycle.NOTHING_TO_CLOSE,
    170218: lifecycle.WOULD_TAKE,
}

_MEANINGS: Final[dict[int, Meaning]] = {
    **dict.fromkeys(_ACCEPTED, "accepted"),
    **dict.fromkeys(_AGAIN, "again"),
    **dict.fromkeys(_GONE, "gone"),
    **dict.fromkeys(_UNKNOWN, "unknown"),
    **dict.fromkeys(_FATAL, "fatal"),
    **dict.fromkeys(_REFUSED, "refused"),
}


class Verdict(NamedTuple):
    """What a code means; `reason` is of `core.orders.lifecycle`, `text` says code and words.

    `lacks_funds`: the account has less than the order needs.
    """

    meaning: Meaning
    reason: int
    text: str
    lacks_funds: bool = False


def verdict(code: int, words: str) -> Verdict:
    """The meaning of a retCode with its retMsg."""
    meaning = _MEANINGS.get(code, "unknown")
    reason = _REFUSED.get(code, lifecycle.NO_REASON)
    return Verdict(meaning, reason, f"retCode {code}: {words[:200]}", lacks_funds=code in _BALANCE)


def http_verdict(status: int) -> Verdict:
    """The meaning of an HTTP status other than 200, for a request that changes something."""
    if status in (403, 429):
        return Verdict("again", lifecycle.NO_REASON, f"HTTP {status}: too many requests from this address")
    if status in (400, 404, 405):
        return Verdict("refused", lifecycle.NO_REASON, f"HTTP {status}")
    meaning: Meaning = "fatal" if status == 401 else "unknown"
    return Verdict(meaning, lifecycle.NO_REASON, f"HTTP {status}")
