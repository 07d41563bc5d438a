"""The verdict in one sentence, and the reasons: rules over figures, never a promise.

No outcome of a single backtest on candles is "proven": the best a run can reach here is "not proven", with the list of
what is still missing.
"""

import math
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from quintet.research.report_parts.wording import THIN, counted, percent, plain, signed_percent, whole
from quintet.research.significance import CONFIDENCE

TESTING_FORM: Final = "testing form"
QUOTE_SHARE_FLOOR: Final = 0.5
"""Capital is held predominantly in the quote asset: above half of equity, weighted by time (S-05)."""

MET, MISSED, UNKNOWN = "met", "missed", "unknown"


class Check(NamedTuple):
    """One condition: `state` is met, missed or unknown; `seen` is the figure beside it."""

    state: str
    text: str
    seen: str = ""


class Verdict(NamedTuple):
    """`sentence` first, then the conditions that led to it."""

    sentence: str
    checks: tuple[Check, ...]


class Facts(NamedTuple):
    """What the rules look at. Fractions are plain; `policies`: how many were run; `conservation` in quanta.

    `trials`: how many there have been, `trials_on_data` of them count on this data; None when nobody counted. Of both,
    `trials_earlier` were made with this system before there was a ledger, on no data in particular.
    `deflated_sharpe`: the confidence that is left after all of them; None where the returns have no Sharpe ratio.
    """

    low_frac: float
    high_frac: float
    policies: int
    fills: int
    alarms: int
    conservation: int
    synthetic: bool
    testing_form: str
    quote_share_frac: float | None
    hold_frac: float | None
    trials: int | None
    trials_on_data: int | None
    deflated_sharpe: float | None
    is_book: bool = False
    trials_earlier: int = 0


def facts_of(result: Any, manifest: Mapping[str, Any]) -> Facts:
    """Read off a result and its manifest."""
    metrics, interval = result.metrics, result.interval
    trials = manifest.get("trials") or {}
    labels = [line for line in manifest.get("assumptions", ()) if line.startswith(TESTING_FORM)]
    return Facts(
        low_frac=float(interval["low_frac"]),
        high_frac=float(interval["high_frac"]),
        policies=len(interval["policies"]),
        fills=int(metrics.get("fills", 0)),
        alarms=int(metrics.get("alarms", 0)),
        conservation=int(result.conservation),
        synthetic=bool(manifest.get("synthetic", False)),
        testing_form=labels[0] if labels else "",
        quote_share_frac=metrics.get("quote_share_mean_frac"),
        hold_frac=metrics.get("buy_and_hold_return_frac"),
        trials=trials.get("total"),
        trials_on_data=trials.get("on_data"),
        deflated_sharpe=trials.get("deflated_sharpe"),
        trials_earlier=trials.get("earlier", 0),
        is_book=bool(manifest.get("market", {}).get("is_book", False)),
    )


def judge(facts: Facts) -> Verdict:
    """The first rule that holds gives the sentence."""
    return Verdict(_sentence(facts), _checks(facts))


def _sentence(facts: Facts) -> str:
    if facts.conservation != 0:
        return "Not valid. The books do not balance."
    if facts.alarms:
        return "Not valid. The desk met the impossible."
    if facts.fills == 0:
        return "Nothing to judge. It did not trade."
    if facts.testing_form:
        return "Testing form, not money."
    if facts.high_frac <= 0 and facts.policies > 1:
        return "It lost on every reading of the bars. Do not trade it."
    if facts.high_frac <= 0:
        return "It lost. Do not trade it."
    return "Not proven. Do not trade it yet."


def _checks(facts: Facts) -> tuple[Check, ...]:
    return (
        _check(not facts.testing_form, "Costs on: fees, spread, slippage, latency, partial fills"),
        _check(facts.conservation == 0, "Books balance to the quantum, every policy"),
        _check(facts.alarms == 0, "Nothing impossible happened", counted(facts.alarms, "alarm", "alarms")),
        _quote_share(facts),
        _check(facts.low_frac > 0, "Above zero in the worst case", f"{signed_percent(facts.low_frac)}"),
        _hold(facts),
        Check(MISSED, "Recorded market", "synthetic") if facts.synthetic else Check(MET, "Recorded market"),
        Check(MET, "Queue and book seen", "the queue is estimated")
        if facts.is_book
        else Check(MISSED, "Queue and book seen", "candles show none"),
        Check(MISSED, "More than one history", "one path"),
        _trials(facts),
        _deflated(facts),
    )


def _check(holds: bool, text: str, seen: str = "") -> Check:
    return Check(MET if holds else MISSED, text, seen)


def _quote_share(facts: Facts) -> Check:
    text = "Mostly in the quote asset, weighted by time"
    if facts.quote_share_frac is None:
        return Check(UNKNOWN, text)
    floor = f"{QUOTE_SHARE_FLOOR * 100:.0f}{THIN}%"
    return _check(facts.quote_share_frac > QUOTE_SHARE_FLOOR, text, f"{percent(facts.quote_share_frac, 1)} / {floor}")


def _hold(facts: Facts) -> Check:
    text = "Better than holding, worst case"
    if facts.hold_frac is None:
        return Check(UNKNOWN, text)
    seen = f"{signed_percent(facts.low_frac)} / {signed_percent(facts.hold_frac)}"
    return _check(facts.low_frac > facts.hold_frac, text, seen)


def _trials(facts: Facts) -> Check:
    text = "Number of trials known"
    if facts.trials is None or facts.trials_on_data is None:
        return Check(UNKNOWN, text, "not counted")
    here = f"{whole(facts.trials_on_data - facts.trials_earlier)} on this data"
    before = f", {whole(facts.trials_earlier)} before the ledger" if facts.trials_earlier else ""
    return Check(MET, text, f"{whole(facts.trials)}: {here}{before}")


def _deflated(facts: Facts) -> Check:
    """Bailey and López de Prado, "The Deflated Sharpe Ratio" (2014); the floor is that of the stage gate."""
    text = "Sharpe ratio beyond the luck of so many trials"
    if facts.deflated_sharpe is None:
        return Check(UNKNOWN, text, "not counted" if facts.trials is None else "no ratio to deflate")
    # Rounded down, so that what missed the floor never looks as if it had reached it.
    seen = f"deflated {plain(math.floor(facts.deflated_sharpe * 1000) / 1000, 3)} / {plain(CONFIDENCE, 3)}"
    return _check(facts.deflated_sharpe >= CONFIDENCE, text, seen)
