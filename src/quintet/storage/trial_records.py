"""What a row of the trial ledger says: an evaluation, or a number of earlier ones that nobody recorded one by one."""

import hashlib
from typing import Annotated, Any, NamedTuple

import msgspec

from quintet.storage.sealing import FIRST, Sha256

Count = Annotated[int, msgspec.Meta(ge=0)]


class Trial(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One evaluation of a system on a market, and the headline Sharpe ratio it showed.

    `source`: SHA-256 of the system's source; `conditions`: everything else that is charged or assumed (instrument with
    fees, execution, limits, timeframes); `data`: SHA-256 of the market the window was taken from; `first_ns` and
    `last_ns`: the window; `policies`: fill policies. `sharpe` is per period of the `periods` returns (daily), None
    where it has no number. `door`: who asked; `run`: the folder it left, empty when it left none.
    """

    system: str
    source: Sha256
    parameters: dict[str, Any]
    conditions: dict[str, Any]
    data: Sha256
    first_ns: int
    last_ns: int
    policies: tuple[str, ...]
    sharpe: float | None
    periods: Count
    door: str
    run: str = ""

    @property
    def id(self) -> str:
        """64 hex digits over what makes a trial another one; its name, its result and its door do not."""
        distinct = (
            self.source,
            self.parameters,
            self.conditions,
            self.data,
            self.first_ns,
            self.last_ns,
            sorted(set(self.policies)),
        )
        return hashlib.sha256(msgspec.json.encode(distinct, order="deterministic")).hexdigest()


class EarlierTrials(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`count` trials of a system that were made before they could be recorded, and in words what they were."""

    system: str
    count: Count
    text: str


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One row: either a trial or earlier ones. `counts`: by how many it raised the count, 0 for a repeat.

    `id` is the trial's own, empty for earlier ones; `recorded_utc` is ISO, told by the shell.
    """

    number: int
    id: str
    counts: Count
    trial: Trial | None
    earlier: EarlierTrials | None
    recorded_utc: str
    previous: Sha256 = FIRST
    seal: str = ""


class Counted(NamedTuple):
    """What the ledger answers to a trial: where it stands, and how many there have been.

    `on_data`: distinct trials on this market; `total`: on any market, by any system. Earlier trials count against
    their own system in both; `earlier` says how many they are. `sharpe_deviation`: sample standard deviation of the
    Sharpe ratios, per period, of the distinct trials on this market that have one; None for fewer than two. `ledger` is
    the seal of the first row, `seal` of this one.
    """

    trial_id: str
    number: int
    seal: str
    ledger: str
    repeated: bool
    on_data: int
    total: int
    sharpe_deviation: float | None
    earlier: int = 0
