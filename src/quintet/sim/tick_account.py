"""The account's part of a configuration of tick mode: in the venue's integers, and in the sentences of a report."""

from decimal import Decimal
from typing import Any

from quintet.core.engine.money_rules import FeeSchedule, FeeTier, MarginRules, MarginTier
from quintet.core.errors import ConfigError
from quintet.core.instrument import Instrument
from quintet.core.risk.margin import MARGIN_MODE_NAMES, NO_MARGIN
from quintet.core.units import E9, exact_quanta, units_up
from quintet.sim.config import TickExecutionConfig


def account_rules_of(config: TickExecutionConfig, instruments: tuple[Instrument, ...]) -> dict[str, Any]:
    """The fields `fees` and `margin` of a `Setup`; amounts are of the quote asset of the first instrument.

    Raises ConfigError where margin is asked for and an instrument has none here.
    """
    quantum = instruments[0].quote_quantum
    inverse = [instrument.symbol for instrument in instruments if instrument.kind == "inverse"]
    if config.margin != "none" and inverse:
        raise ConfigError(
            f"margin is {config.margin}, found the inverse contract {inverse[0]}, expected linear or spot"
        )
    return {"fees": _fees(config, quantum), "margin": _margin(config, quantum)}


def _fees(config: TickExecutionConfig, quantum: Decimal) -> FeeSchedule:
    tiers = tuple(
        FeeTier(
            turnover=_quanta(turnover, quantum, "fee_tiers"), maker_e9=_e9(maker, 10_000), taker_e9=_e9(taker, 10_000)
        )
        for turnover, maker, taker in config.fee_tiers
    )
    return FeeSchedule(tiers=tiers, turnover_before=_quanta(config.turnover_30d, quantum, "turnover_30d"))


def _margin(config: TickExecutionConfig, quantum: Decimal) -> MarginRules:
    mode = MARGIN_MODE_NAMES.index(config.margin)
    if mode == NO_MARGIN:
        return MarginRules()
    tiers = tuple(
        MarginTier(value_max=_quanta(value, quantum, "margin_tiers"), initial_e9=_e9(initial), maintenance_e9=_e9(keep))
        for value, initial, keep in config.margin_tiers
    )
    leverage = Decimal(repr(config.leverage))
    return MarginRules(mode=mode, initial_e9=units_up(E9 / leverage, Decimal(1)), tiers=tiers)


def _quanta(amount: float, quantum: Decimal, name: str) -> int:
    return int(exact_quanta(Decimal(repr(amount)), quantum, name))


def _e9(value: float, parts: int = 1) -> int:
    """A fraction, or a number of its parts, in 1e-9."""
    return int(Decimal(repr(value)) * (E9 // parts))


def account_sentences(config: TickExecutionConfig) -> list[str]:
    """One sentence for everything that an account pays, and for how orders change."""
    sentences = []
    if config.amends:
        place = "keeps its place when it only becomes smaller" if config.amend_keeps_place else "goes to the end"
        sentences.append(f"The exchange amends orders; one that is amended {place}.")
    if config.fee_tiers:
        sentences.append(
            "Fees follow the turnover of the 30 UTC days before, of this account only; before the run it was "
            f"{config.turnover_30d:,.0f}, spread evenly."
        )
    if config.funding_every_h:
        sentences.append(
            f"Funding is settled every {config.funding_every_h:g} h, UTC, on what is held then, at the mark price and "
            "the last rate on the tape, rounded against us."
        )
    if config.margin != "none":
        sentences.append(
            f"Margin is {config.margin}, the leverage at most {config.leverage:g}; a position that has lost its margin "
            "is taken over whole, at its bankruptcy price, and what is left of the margin is the exchange's."
        )
        sentences.append("Where the tape has no mark price, the last trade stands for it.")
    return sentences
