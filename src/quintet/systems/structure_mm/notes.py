"""What structure_mm leaves in the log: a code and four numbers each, and the sentence a person reads.

The chain of a bar on which something happened stands in the log in this order: bar, ATR, structure, break, pullback,
policy, transition, size, grid. A tag leads from a fill to its bid, its episode and its break.
"""

from typing import Any, Final

from quintet.core.instrument import Instrument
from quintet.core.kernel import kernel
from quintet.core.state import NOTES
from quintet.features.structure import BIAS_NAMES, EVENT_NAMES, VERDICT_NAMES
from quintet.features.volatility import UNITS_PER_TICK
from quintet.systems.structure_mm.machine import REASON_NAMES
from quintet.systems.structure_mm.policy import POLICY_ROWS
from quintet.systems.structure_mm.records import POLICY_NAMES, STATE_NAMES, TAGS_PER_EPISODE

BAR: Final = 1  # number, high, low, close
AVERAGE_RANGE: Final = 2  # fast and slow ATR in 1/1024 ticks, close
SHAPE: Final = 3  # bias, protected level, swing high, swing low
BREAK: Final = 4  # event, level, protected level, high
LEG: Final = 5  # verdict, O, T, depth in ten-thousandths of the leg
POLICY: Final = 6  # before, after, row, episode
TRANSITION: Final = 7  # before, after, reason, episode
SKIPPED: Final = 8  # reason, state, level, episode
RAISED: Final = 9  # O, S, state, episode
SIZED: Final = 10  # quanta of a lot, S, step in 1e-9, which cap bound
BID: Final = 11  # tag, price, lots, level
TAKE: Final = 12  # tag, price, lots, close
NO_BID: Final = 13  # reason, bids wanted, share of base in 1e-9, episode
LEAVING: Final = 14  # tag, price, lots, 1 = calm
ENDED: Final = 15  # reason, quanta gained, bars, episode
GAP: Final = 16  # missing bars, end of the last bar, end of this bar
LATE: Final = 17  # end of the late bar, end of the last bar
KILLED: Final = 18  # equity, high-water mark, 1 = by an operator
RELEASED: Final = 19  # equity
NOTE_NAMES: Final = (
    "none", "bar", "atr", "structure", "bos", "pullback", "policy", "transition", "skipped", "raised", "sized", "bid",
    "take", "no_bid", "exit_order", "episode", "gap", "late_bar", "kill_switch", "kill_switch_released",
)  # fmt: skip

CAP_NAMES: Final = ("risk of the episode", "hard band", "target inventory", "turnover")

OUT_OF_BIDS: Final = 0
AT_GUARD: Final = 1
AT_HARD_BAND: Final = 2
BELOW_MINIMUM: Final = 3
NO_PLACE: Final = 4
BIDS_TOUCHED: Final = 5
NO_BID_NAMES: Final = (
    "all bids stand", "the next one is under the guard", "the hard band", "below the venue's minimum order",
    "no place for another lot", "a bid was reached, its fill is awaited",
)  # fmt: skip


@kernel
def note(view: Any, code: int, a: int, b: int, c: int, d: int) -> None:
    """Leave a note; what does not fit is lost to the log, never to the decision."""
    if view.n_notes < NOTES:
        row = view.notes[view.n_notes]
        view.n_notes += 1
        row.code = code
        row.a = a
        row.b = b
        row.c = c
        row.d = d


def note_kind(code: int) -> str:
    """The word for a code."""
    return NOTE_NAMES[code] if 0 < code < len(NOTE_NAMES) else f"note {code}"


def explain_note(row: Any, instrument: Instrument) -> str:
    """The sentence of one note, prices and quantities in units of the market."""
    code, a, b, c, d = (int(row[name]) for name in ("code", "a", "b", "c", "d"))

    def price(ticks: int) -> str:
        return f"{instrument.price(ticks):f}"

    def lots(count: int) -> str:
        return f"{instrument.quantity(count):f}"

    def money(quanta: int) -> str:
        return f"{quanta * instrument.quote_quantum:.2f} {instrument.quote_asset}"

    def atr(units: int) -> str:
        return f"{float(instrument.price_increment) * units / UNITS_PER_TICK:.4f}"

    def event(number: int) -> str:
        return EVENT_NAMES[number] if 0 <= number < len(EVENT_NAMES) else str(number)

    if code == BAR:
        return f"bar {a} closed: high {price(b)}, low {price(c)}, close {price(d)}"
    if code == AVERAGE_RANGE:
        return f"ATR {atr(a)}, slow {atr(b)}, ratio {a / b if b else 0.0:.3f}"
    if code == SHAPE:
        return f"bias {BIAS_NAMES[a]}, protected {price(b)}, swing high {price(c)}, swing low {price(d)}"
    if code == BREAK:
        return f"{event(a)} at {price(b)}, protected {price(c)}, high {price(d)}"
    if code == LEG:
        return f"pullback {VERDICT_NAMES[a]}: O {price(b)}, T {price(c)}, depth {d / 100:.2f} % of the leg"
    if code == POLICY:
        kept = "stays" if a == b else f"{POLICY_NAMES[a]} becomes"
        return f"policy {kept} {POLICY_NAMES[b]}: {POLICY_ROWS[c].text}"
    if code == TRANSITION:
        return f"{STATE_NAMES[a]} to {STATE_NAMES[b]}: {REASON_NAMES[c]} (episode {d})"
    if code == SKIPPED:
        return f"{STATE_NAMES[b]} does not go on: {REASON_NAMES[a]} (level {price(c)})"
    if code == RAISED:
        return f"raised in {STATE_NAMES[c]}: O {price(a)}, S {price(b)} (episode {d})"
    if code == SIZED:
        return f"lot {money(a)}, S {price(b)}, step {c / 1e5:.2f} bp, bound by the {CAP_NAMES[d]}"
    if code == BID:
        return f"bid {a} at {price(b)} for {lots(c)}, level {d} (episode {a // TAGS_PER_EPISODE})"
    if code == TAKE:
        return f"take of {a} at {price(b)} for {lots(c)} (episode {a // TAGS_PER_EPISODE})"
    if code == NO_BID:
        return f"{b} bids: {NO_BID_NAMES[a]}; base is {c / 1e7:.2f} % of equity"
    if code == LEAVING:
        return f"{'calm' if d else 'urgent'} exit {a} at {price(b)} for {lots(c)}"
    if code == ENDED:
        return f"episode {d} ended: {REASON_NAMES[a]}, {money(b)} in {c} bars"
    if code == GAP:
        return f"{a} bars missing"
    if code == LATE:
        return f"a bar that ended at {a} came after the one of {b}: ignored"
    if code == KILLED:
        return f"kill switch: equity {money(a)}, high-water mark {money(b)}{', by an operator' if c else ''}"
    if code == RELEASED:
        return f"kill switch released by an operator at {money(a)}"
    return f"note {code}: {a} {b} {c} {d}"
