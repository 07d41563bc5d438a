"""What is asked of Bybit's private stream: orders, executions, positions and the wallet of one account."""

from collections.abc import Callable
from typing import Final

import msgspec

from quintet.ports.live_feed import Answer
from quintet.venues.bybit.account_wire import Said
from quintet.venues.bybit.shapes import MS_NS
from quintet.venues.bybit.sign import ApiKey
from quintet.venues.venue_clock import VenueClock

TOPICS: Final = ("order", "execution", "position", "wallet")

LOGIN_MS: Final = 5_000
"""A login is good for so long after it was signed."""

_SUBSCRIPTION: Final = "subscription"


class _WithLogin:
    """A stream that is logged in to before anything else is said."""

    ping: Final = '{"op":"ping"}'

    def __init__(self, key: ApiKey, clock: VenueClock, steady_ns: Callable[[], int], host: str, path: str) -> None:
        self._key = key
        self._clock = clock
        self._steady_ns = steady_ns
        self.url: Final = host + path

    def subscriptions(self) -> dict[str, str]:
        """The login; raises ClockUnsure."""
        expires_ms = self._clock.venue_ns(self._steady_ns()) // MS_NS + LOGIN_MS
        return {"auth": msgspec.json.encode({"op": "auth", "args": self._key.login(expires_ms)}).decode()}

    def answer(self, body: bytes) -> Answer | None:
        """Logins, subscriptions and pongs; None for any other frame."""
        try:
            said = msgspec.json.decode(body, type=Said)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        if said.op not in ("auth", "subscribe", "pong", "ping"):
            return None
        accepted = said.retCode == 0 and said.success is not False
        return Answer(said.req_id if said.op == "subscribe" else said.op, accepted, said.retMsg or said.ret_msg)

    def renewals(self, symbols: object) -> tuple[str, ...]:
        """There are no books here."""
        return ()

    def snapshot_url(self, symbol: str) -> str:
        """There are no books here."""
        return ""


class PrivateStream(_WithLogin):
    """Fills `ports.live_feed.Stream` for the account's own facts."""

    def __init__(
        self,
        key: ApiKey,
        clock: VenueClock,
        steady_ns: Callable[[], int],
        host: str,
        more_topics: tuple[str, ...] = (),
    ) -> None:
        """`more_topics`: `disconnection.SPOT_TOPIC` where the venue shall watch this line."""
        super().__init__(key, clock, steady_ns, host, "/v5/private")
        self._topics = TOPICS + more_topics

    def subscriptions(self) -> dict[str, str]:
        """Login and topics; the venue answers in order, so nothing has to be waited for. Raises ClockUnsure."""
        topics = {"req_id": _SUBSCRIPTION, "op": "subscribe", "args": self._topics}
        return super().subscriptions() | {_SUBSCRIPTION: msgspec.json.encode(topics).decode()}


class TradeStream(_WithLogin):
    """Fills `ports.live_feed.Stream` for order entry."""

    def __init__(self, key: ApiKey, clock: VenueClock, steady_ns: Callable[[], int], host: str) -> None:
        super().__init__(key, clock, steady_ns, host, "/v5/trade")
