"""Volume profile: how much has traded at each price since an anchor, and where most of it lies.

    POC       point of control: the row with the most volume; of equal rows the lowest
    value     the rows around the POC that hold at least a share of the volume (70 % by custom): beginning with the
    area      POC, the fuller of the next row above and the next row below is added until there is enough; of equal
              rows the upper one (Steidlmayer's market profile, one row at a time)
    VAH, VAL  its highest and lowest price

The profile has 1,024 rows. A price beyond them folds it: two rows become one, twice as high, as often as needed, so no
volume is lost and memory stays the same. Rows are aligned to whole multiples of their height. All numbers are whole:
prices in ticks, volumes in lots.
"""

from typing import Any, Final

from numpy.typing import NDArray

from quintet.core.errors import ConfigError
from quintet.core.kernel import kernel
from quintet.core.records import record

ROWS: Final = 1024
E4: Final = 10_000
NO_PRICE: Final = -1
"""Where a level would be of a profile without volume."""

PROFILE = record(
    first_row_ticks="i8",  # height at the anchor
    share_e4="i8",
    row_ticks="i8",  # height now
    low="i8",  # rows with volume lie between; a row is a price divided by row_ticks, rounded down
    high="i8",
    total="i8",
    poc_row="i8",
    area_low="i8",  # set by profile_area, in ticks
    area_high="i8",
    volumes=("i8", ROWS),
    folded=("i8", ROWS),  # all zero but while rows are folded
)
"""A ring of rows: row `n` is at `n % 1024`. `total` is 0 while nothing has traded since the anchor."""

PROFILE_ROW = record(poc="i8", vah="i8", val="i8")
"""What `profile_batch` writes after each trade."""


def start_profile(state: Any, row_ticks: int = 1, share: float = 0.70) -> None:
    """An empty profile anchored here, rows `row_ticks` ticks high; `share` has four decimals. Raises ConfigError."""
    if not 1 <= row_ticks < 2**31:
        raise ConfigError(f"volume profile: row is {row_ticks} ticks, expected 1 to 2147483647")
    if not 0.0 < share <= 1.0 or abs(share * E4 - round(share * E4)) > 1e-6:
        raise ConfigError(f"volume profile: share is {share}, expected above 0, at most 1, in four decimals")
    state.first_row_ticks, state.share_e4 = row_ticks, round(share * E4)
    state.folded[:] = 0
    profile_anchor(state)


@kernel
def profile_anchor(state: Any) -> None:
    """Anchor it here: what has traded is forgotten, and rows have their first height again."""
    for place in range(ROWS):
        state.volumes[place] = 0
    state.row_ticks = state.first_row_ticks
    state.low, state.high, state.total, state.poc_row = 0, 0, 0, 0
    state.area_low, state.area_high = NO_PRICE, NO_PRICE


@kernel
def profile_update(state: Any, price: int, lots: int) -> int:
    """Take one trade; the POC's lowest price, in ticks. `lots` is 1 or more."""
    row = price // state.row_ticks
    if state.total == 0:
        state.low, state.high, state.poc_row = row, row, row
    while max(state.high, row) - min(state.low, row) >= ROWS:
        _fold(state)
        row = price // state.row_ticks
    state.low, state.high = min(state.low, row), max(state.high, row)
    place = row % ROWS
    state.volumes[place] += lots
    state.total += lots
    # Volumes only grow, so no other row can have become the fullest.
    most = state.volumes[state.poc_row % ROWS]
    if state.volumes[place] > most or (state.volumes[place] == most and row < state.poc_row):
        state.poc_row = row
    return state.poc_row * state.row_ticks


@kernel
def _fold(state: Any) -> None:
    """Two rows become one, twice as high; the POC is looked for anew."""
    for row in range(state.low, state.high + 1):
        state.folded[(row // 2) % ROWS] += state.volumes[row % ROWS]
    for place in range(ROWS):
        state.volumes[place] = state.folded[place]
        state.folded[place] = 0
    state.row_ticks *= 2
    state.low, state.high = state.low // 2, state.high // 2
    state.poc_row = state.low
    for row in range(state.low, state.high + 1):
        if state.volumes[row % ROWS] > state.volumes[state.poc_row % ROWS]:
            state.poc_row = row


@kernel
def profile_area(state: Any) -> int:
    """Set `area_low` (VAL) and `area_high` (VAH), both in ticks and within the area; returns the lots inside.

    The highest price of a row that is several ticks high is its last tick. NO_PRICE while nothing has traded.
    """
    if state.total == 0:
        state.area_low, state.area_high = NO_PRICE, NO_PRICE
        return 0
    enough = _share_of(state.total, state.share_e4)
    low, high = state.poc_row, state.poc_row
    inside = state.volumes[low % ROWS]
    while inside < enough:
        above = state.volumes[(high + 1) % ROWS] if high < state.high else -1
        below = state.volumes[(low - 1) % ROWS] if low > state.low else -1
        if above >= below:
            high += 1
            inside += above
        else:
            low -= 1
            inside += below
    state.area_low = low * state.row_ticks
    state.area_high = (high + 1) * state.row_ticks - 1
    return inside


@kernel
def _share_of(total: int, share_e4: int) -> int:
    """The smallest whole number of lots that is at least the share of the total; no product leaves 2^62."""
    whole, rest = total // E4, total % E4
    return whole * share_e4 + (rest * share_e4 + E4 - 1) // E4


@kernel
def profile_volume(state: Any, price: int) -> int:
    """Lots traded in the row of this price since the anchor."""
    row = price // state.row_ticks
    if state.total == 0 or row < state.low or row > state.high:
        return 0
    return state.volumes[row % ROWS]


@kernel
def profile_feed(state: Any, prices: NDArray[Any], lots: NDArray[Any]) -> None:
    """Take whole columns of trades, of a bar or of a day; the levels are asked for afterwards. Of the same length."""
    for i in range(prices.shape[0]):
        profile_update(state, prices[i], lots[i])


@kernel
def profile_batch(state: Any, prices: NDArray[Any], lots: NDArray[Any], levels: Any) -> None:
    """Feed whole columns of trades; `levels[i]` (PROFILE_ROW) is what stood after trade i. All have the same length.

    Finding the area costs as many steps as it has rows; who wants it at the end of a bar uses `profile_feed`.
    """
    for i in range(prices.shape[0]):
        levels[i].poc = profile_update(state, prices[i], lots[i])
        profile_area(state)
        levels[i].vah = state.area_high
        levels[i].val = state.area_low
