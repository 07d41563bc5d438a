"""The eternal engine on the house: five sub-accounts on one tape, woken once a day, and FUNDING after each settlement.

A world each (`sub_accounts`), one conductor over all of them. What it is shown comes from the tape and from the books:
bars, rates and facts that were known by then, and nothing else.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np

from quintet.core import state as s
from quintet.core.digest import command_hash
from quintet.core.engine.money_rules import MarginRules, MarginTier
from quintet.core.engine.world import Execution, Setup
from quintet.core.errors import ConfigError, DataError
from quintet.core.events import ORDER_CANCELED
from quintet.core.instrument import Instrument
from quintet.core.risk.margin import CROSS
from quintet.core.tape import Tape
from quintet.core.units import E9, exact_quanta
from quintet.research.daily_tape import DAY_NS, Told, told_by
from quintet.research.earn import Earn
from quintet.research.eternal_conductor import (
    LOOKED_AT,
    MONEY,
    PERIOD_NS,
    Begins,
    Conductor,
    Cycle,
    DayMark,
    Event,
    Filled,
    Heard,
    Movement,
    Over,
    Paid,
    Reply,
    Settled,
)
from quintet.research.sub_accounts import SubAccount, SubAccountBooks, deposit, transfer
from quintet.research.wanted_orders import wants_of
from quintet.sim.in_flight import most_in_flight
from quintet.sim.windows import price_windows
from quintet.systems.eternal import EternalConfig, Portfolio
from quintet.systems.eternal.allocation import opening
from quintet.systems.eternal.config import ACCOUNTS, CORE, FUNDING, TACTICAL
from quintet.systems.eternal.core_hodl import STAKED
from quintet.systems.eternal.cycle import Said
from quintet.systems.eternal.risk import Account
from quintet.systems.eternal.said import Stake
from quintet.systems.eternal.seen import Quote

FIVE_MINUTES_NS: Final = 300_000_000_000
WAKES: Final = s.WAKE_TIMER | s.WAKE_FILL | s.WAKE_ORDER | s.WAKE_FUNDING | s.WAKE_CONTROL
SPOT: Final = ("BTC", "ETH", "SOL")


class Costs(NamedTuple):
    """What the venue and the market take, beside the instruments' own fees."""

    half_spread_e9: int = 500_000
    latency_ns: int = 100_000_000
    slippage_max_e9: int = 5_000_000
    leverage: int = 2
    maintenance_e9: int = 5_000_000


@dataclass
class EternalRun:
    """What a run has left behind."""

    config: EternalConfig
    tape: Tape
    accounts: dict[str, SubAccount]
    conductor: Conductor
    earn: Earn | None = None
    """The venue's Earn product, where CORE holds Ether."""
    unpaid_days: int = 0
    """Days on which a perpetual was held over a settlement without a recorded rate."""

    @property
    def names(self) -> tuple[str, ...]:
        """What the engines call the instruments, in their order."""
        return self.conductor.names

    @property
    def marks(self) -> list[DayMark]:
        """The whole at each daily cycle."""
        return self.conductor.marks

    @property
    def log(self) -> list[tuple[int, Said]]:
        """Day, then what was said."""
        return self.conductor.log

    @property
    def portfolio(self) -> Portfolio:
        """Engines, orchestrator and risk manager at the end; between two days another may be put in its place."""
        return self.conductor.portfolio

    @portfolio.setter
    def portfolio(self, portfolio: Portfolio) -> None:
        self.conductor.portfolio = portfolio

    @property
    def command_hashes(self) -> dict[str, str]:
        """Of every sub-account's approved commands."""
        return {name: command_hash(account.world.desk[0]) for name, account in self.accounts.items()}

    @property
    def hashes(self) -> dict[str, str]:
        """Of the tape and of what each sub-account did on it."""
        return {"tape": self.tape.hash, **self.command_hashes}

    @property
    def imbalance(self) -> int:
        """What any books are off; 0 when all balance."""
        return sum(account.imbalance() for account in self.accounts.values())


Watch = Callable[[int, EternalRun], None]
"""Hears each day when its cycle is over and its orders are sent."""


class Prepared(NamedTuple):
    """A tape, and what every run on it asks of it first."""

    tape: Tape
    told: list[Told]
    windows: tuple[tuple[int, int], ...]
    in_flight: dict[int, int]
    """Length of a timer to the most messages that wait for it."""


def prepared(tape: Tape) -> Prepared:
    """Walk a tape once for all runs on it."""
    rows = s.Tape(tape.rows).rows
    in_flight = {every_ns: int(most_in_flight(rows, every_ns, 0)) for every_ns in (PERIOD_NS, DAY_NS)}
    return Prepared(tape, told_by(tape), price_windows(tape.rows, len(tape.instruments)), in_flight)


def run_eternal(
    market: Prepared,
    config: EternalConfig,
    *,
    capital_quanta: int,
    first_day: int,
    last_day: int,
    costs: Costs | None = None,
    deposits: Mapping[int, int] | None = None,
    only: str = "",
    pairs: Sequence[str] = SPOT,
    watch: Watch = lambda day, run: None,
) -> EternalRun:
    """Run the days from `first_day` to `last_day`, both included, on a tape that begins earlier or with them.

    `deposits`: day to money from outside. `only`: all money to this engine, which is then alone. `pairs`: what FUNDING
    may trade. Raises ConfigError for a tape without Bitcoin, DataError where it ends too early.
    """
    runner = _Runner(market, config, capital_quanta, first_day, costs or Costs(), deposits or {}, only, pairs)
    return runner.run(last_day, watch)


class _Runner:
    """One run under way."""

    def __init__(
        self, market: Prepared, config: EternalConfig, capital_quanta: int, first_day: int, costs: Costs,
        deposits: Mapping[int, int], only: str, pairs: Sequence[str],
    ) -> None:  # fmt: skip
        instruments = tuple(market.tape.instruments)
        split = opening(capital_quanta)
        if only:
            chosen = [name for name, engine in ACCOUNTS.items() if engine == only or name == only]
            split = {name: capital_quanta // len(chosen) for name in chosen}
        self.conductor = Conductor(config, instruments, tuple(split), pairs)
        self.market, self.deposits, self.first_day = market, deposits, first_day
        self.accounts = {name: self._account(name, instruments, quanta, costs) for name, quanta in split.items()}
        earn = None
        if CORE in self.accounts and STAKED in self.conductor.names:
            earn = Earn(self.accounts[CORE], STAKED, self.conductor.static[STAKED].base_quanta)
        self.run_ = EternalRun(config, market.tape, self.accounts, self.conductor, earn)
        self.next_told = 0

    def _account(self, name: str, instruments: tuple[Instrument, ...], quanta: int, costs: Costs) -> SubAccount:
        every_ns = PERIOD_NS if name in (FUNDING, TACTICAL) else DAY_NS
        first_ns = (self.first_day + 1) * DAY_NS + FIVE_MINUTES_NS
        setup = Setup(
            instruments=instruments,
            capital={instruments[0].quote_asset: quanta},
            execution=Execution(
                entry_ns=costs.latency_ns, response_ns=costs.latency_ns, feed_ns=0,
                market_bound_e9=costs.slippage_max_e9, funding_every_ns=PERIOD_NS,
            ),
            margin=margin_of(costs),
            wakes=WAKES,
            price_windows=self.market.windows,
            messages_in_flight=self.market.in_flight[every_ns],
            timer_first_ns=first_ns, timer_every_ns=every_ns,
        )  # fmt: skip
        return SubAccount(name, setup, self.market.tape)

    # ---- the way of a day ------------------------------------------------------------------------------------------

    def run(self, last_day: int, watch: Watch) -> EternalRun:
        """Day after day."""
        for day in range(self.first_day, last_day + 1):
            for name, account in self.accounts.items():
                if not account.advance(self._wake):
                    raise DataError(
                        f"the tape ends before day {day} is over for {name}, expected a row after its cycle"
                    )
            now_ns = (day + 1) * DAY_NS + FIVE_MINUTES_NS
            self._daily(day, now_ns)
            watch(day, self.run_)
            for part in (1, 2):
                between = [self.accounts[name] for name in (FUNDING, TACTICAL) if name in self.accounts]
                for account in between:
                    if day < last_day and not account.advance(self._wake):
                        raise DataError(f"the tape ends within day {day + 1}, expected a row after each settlement")
                if day < last_day:
                    self._settle(day, now_ns + part * PERIOD_NS)
        for account in self.accounts.values():
            account.kept.take(account.world)
        return self.run_

    def _daily(self, day: int, now_ns: int) -> None:
        if day == self.first_day:
            self._hear(day * DAY_NS)
            self.conductor.hear(Begins())
        self._hear(now_ns)
        earn, lots = self.run_.earn, 0
        if earn is not None:
            earn.pay(self.conductor.fact_e9("eth_yield", now_ns))
            earn.arrive(now_ns)
            lots = earn.lots
        seen = {name: seen_of(self.conductor, account) for name, account in self.accounts.items()}
        if earn is not None:
            seen[CORE] = with_earn(seen[CORE], earn.asset, earn.away)
        self._carry_out(self.conductor.hear(Cycle(day, now_ns, seen, self.deposits.get(day, 0), lots)), now_ns)
        for account in self.accounts.values():
            account.go()

    def _settle(self, day: int, now_ns: int) -> None:
        """After the settlement at 08:00 or 16:00: FUNDING alone; what it gives TACTICAL arrives at once."""
        self._hear(now_ns)
        if FUNDING in self.accounts:
            seen = seen_of(self.conductor, self.accounts[FUNDING])
            self._carry_out(self.conductor.hear(Settled(day, now_ns, seen)), now_ns)
        for name in (FUNDING, TACTICAL):
            if name in self.accounts:
                self.accounts[name].go()

    def _hear(self, now_ns: int) -> None:
        """Everything that the tape has told by now."""
        first = self.next_told
        while self.next_told < len(self.market.told) and self.market.told[self.next_told].recv_ns <= now_ns:
            told = self.market.told[self.next_told]
            if told.what == "no_rate" and any(one.holding(told.instrument)[0] for one in self.accounts.values()):
                self.run_.unpaid_days += 1
            self.next_told += 1
        self.conductor.hear(Heard(tuple(self.market.told[first : self.next_told])))

    def _carry_out(self, reply: Reply, now_ns: int) -> None:
        """What is staked, transfers and deposits into the books; then what each sub-account shall want."""
        for _, stake in reply.stakes:
            self._stake(stake, now_ns)
        for movement in reply.movements:
            self._move(movement)
        for name, orders in reply.orders.items():
            self.accounts[name].want(wants_of(orders, self.conductor.names))

    def _stake(self, stake: Stake, now_ns: int) -> None:
        """To the Earn product, or back from it; when CORE wants nothing in it, what it has earned comes too."""
        earn = self.run_.earn
        if earn is None:
            raise ConfigError(f"eternal: found {stake.asset} for the Earn product, expected CORE to hold it")
        if stake.lots > 0:
            earn.subscribe(stake.lots)
        else:
            earn.redeem(-stake.lots, now_ns, everything=self.conductor.portfolio.core.staked == 0)

    def _move(self, movement: Movement) -> None:
        to = self.accounts[movement.to]
        if movement.source:
            transfer(self.accounts[movement.source], to, movement.asset, movement.quanta)
        else:
            deposit(to, movement.asset, movement.quanta)

    def _wake(self, account: SubAccount, why: int) -> None:
        event = event_of(self.conductor, account, why)
        if event is not None:
            self._carry_out(self.conductor.hear(event), account.woken().now_ns)


def margin_of(costs: Costs) -> MarginRules:
    """What a sub-account's margin is reckoned by."""
    tier = MarginTier(value_max=1 << 60, initial_e9=E9 // costs.leverage, maintenance_e9=costs.maintenance_e9)
    return MarginRules(mode=CROSS, initial_e9=E9 // costs.leverage, tiers=(tier,))


def seen_of(conductor: Conductor, account: SubAccountBooks) -> Account:
    """A sub-account as its engine sees it: what it may trade or holds, and nothing else is looked at."""
    quotes, bound = {}, 0
    for column in conductor.columns[account.name]:
        lots, _, _ = account.holding(column.n)
        if not (column.is_its or lots):
            continue
        bid, ask, last = account.market(column.n)
        if column.is_perpetual:
            bound += abs(lots) * last * column.numbers["quanta"]
        if column.is_its and bid and ask and last:
            quotes[column.name] = Quote(bid=bid, ask=ask, last=last, lots=lots, **column.numbers)
    cash = account.money(MONEY)
    return Account(equity=account.equity(), cash=cash, free=max(cash - bound, 0), quotes=quotes)


def with_earn(seen: Account, asset: str, away_quanta: int) -> Account:
    """What is in the Earn product, or on its way back, is CORE's: it counts for weights, and here for its worth."""
    quote = seen.quotes.get(asset)
    if quote is None or away_quanta == 0:
        return seen
    lots = away_quanta // quote.base_quanta
    quotes = {**seen.quotes, asset: msgspec.structs.replace(quote, lots=quote.lots + lots)}
    worth = away_quanta * quote.last * quote.quanta // quote.base_quanta
    return msgspec.structs.replace(seen, quotes=quotes, equity=seen.equity + worth)


def event_of(conductor: Conductor, account: SubAccountBooks, why: int) -> Event | None:
    """What the conductor has to hear of a wake of a sub-account; None: nothing."""
    woken = account.woken()
    name, now_ns = conductor.names[woken.instrument], woken.now_ns
    if why == s.WAKE_FUNDING:
        return Paid(name, woken.fee) if account.name == FUNDING else None
    seen = seen_of(conductor, account) if account.name in LOOKED_AT else None
    if why == s.WAKE_ORDER:
        return Over(account.name, name, now_ns, woken.kind == ORDER_CANCELED, seen)
    if why == s.WAKE_FILL:
        held = account.holding(woken.instrument)[0]
        return Filled(account.name, name, now_ns, woken.side, woken.price, woken.lots, woken.fee, held, seen)
    return None


def capital_in_quanta(amount: Any, instrument: Instrument) -> int:
    """Money in the quote asset's quanta; raises ConfigError for more digits than it has."""
    return int(exact_quanta(amount, instrument.quote_quantum, "capital"))


def equity_curve(run: EternalRun) -> Any:
    """Equity of the whole at every daily cycle, quanta."""
    return np.array([sum(mark.equity.values()) for mark in run.marks], np.int64)
