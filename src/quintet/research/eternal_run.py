"""The eternal engine on the house: five sub-accounts on one tape, woken once a day, and FUNDING after each settlement.

A world each (`sub_accounts`), one cycle over all of them (`systems.eternal`). What the cycle is shown comes from the
tape and from the books: bars, rates and facts that were known by then, and nothing else.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np

from quintet.core import state as s
from quintet.core.digest import command_hash
from quintet.core.engine.money_rules import MarginRules, MarginTier
from quintet.core.engine.world import Execution, Setup
from quintet.core.errors import ConfigError, DataError
from quintet.core.events import ORDER_CANCELED
from quintet.core.execution.want import Want
from quintet.core.instrument import Instrument
from quintet.core.orders.lifecycle import MARKET, POST_ONLY, STOP
from quintet.core.risk.margin import CROSS
from quintet.core.tape import Tape
from quintet.core.units import E9, exact_quanta
from quintet.research.daily_tape import DAY_NS, Told, told_by
from quintet.research.earn import Earn
from quintet.research.sub_accounts import SubAccount, Woken, deposit, transfer
from quintet.sim.in_flight import most_in_flight
from quintet.sim.windows import price_windows
from quintet.systems.eternal import Day, EternalConfig, Outcome, Portfolio, run_cycle
from quintet.systems.eternal.allocation import opening
from quintet.systems.eternal.config import ACCOUNTS, CORE, FUNDING, TACTICAL, TREND_1, TREND_2
from quintet.systems.eternal.core_hodl import STAKED
from quintet.systems.eternal.cycle import FIELDS, Said, run_settlement
from quintet.systems.eternal.pictures import DayBar, Painter, correlation_of
from quintet.systems.eternal.risk import Account
from quintet.systems.eternal.said import MAKER, Order, Stake, Transfer
from quintet.systems.eternal.said import MARKET as AT_MARKET
from quintet.systems.eternal.seen import Picture, Quote
from quintet.systems.eternal.tactical import on_fill as tactical_fill
from quintet.systems.eternal.tactical import seeded
from quintet.systems.eternal.trend import on_fill as trend_fill

FIVE_MINUTES_NS: Final = 300_000_000_000
PERIOD_NS: Final = DAY_NS // 3
STYLES: Final = {MAKER: POST_ONLY, AT_MARKET: MARKET, "stop": STOP}

SPOT: Final = ("BTC", "ETH", "SOL")
TRADES: Final = {CORE: "spot", TREND_1: "perpetual", TREND_2: "perpetual", FUNDING: "both", TACTICAL: "spot"}
STALE_NS: Final = 36 * 3_600_000_000_000
"""A fact older than this is missing."""


class Costs(NamedTuple):
    """What the venue and the market take, beside the instruments' own fees."""

    half_spread_e9: int = 500_000
    latency_ns: int = 100_000_000
    slippage_max_e9: int = 5_000_000
    leverage: int = 2
    maintenance_e9: int = 5_000_000


class DayMark(NamedTuple):
    """The whole at one daily cycle, before it acts: equity, cash and coins' value by sub-account, in quanta."""

    day: int
    equity: dict[str, int]
    invested: dict[str, int]
    regime: str
    status: str
    flows: dict[str, int]
    price: int
    """Of Bitcoin, price increments."""
    eth_price: int


@dataclass
class EternalRun:
    """What a run has left behind. `log`: day, then what was said."""

    config: EternalConfig
    tape: Tape
    accounts: dict[str, SubAccount]
    names: tuple[str, ...]
    marks: list[DayMark] = field(default_factory=list)
    log: list[tuple[int, Said]] = field(default_factory=list)
    portfolio: Portfolio = field(default_factory=Portfolio)
    earn: Earn | None = None
    """The venue's Earn product, where CORE holds Ether."""
    unpaid_days: int = 0
    """Days on which a perpetual was held over a settlement without a recorded rate."""

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
        tape, self.market = market.tape, market
        instruments = tuple(tape.instruments)
        self.names = tuple(_name_of(instrument) for instrument in instruments)
        if "BTC" not in self.names:
            raise ConfigError(f"eternal: found {', '.join(self.names) or 'no instruments'}, expected BTC among them")
        self.tape, self.config, self.deposits, self.pairs = tape, config, deposits, frozenset(pairs)
        self.told, self.next_told = market.told, 0
        self.first_day = first_day
        split = opening(capital_quanta)
        if only:
            chosen = [name for name, engine in ACCOUNTS.items() if engine == only or name == only]
            split = {name: capital_quanta // len(chosen) for name in chosen}
        accounts = {name: self._account(name, instruments, quanta, costs) for name, quanta in split.items()}
        self.run_ = EternalRun(config, tape, accounts, self.names)
        self.working: dict[str, list[Order]] = {name: [] for name in accounts}
        self._learn_static(instruments)
        self.painters = {
            name: Painter(name, config.trend_1, measures_volatility=not name.endswith("-PERP")) for name in self.names
        }
        self.second = {
            name: Painter(name, config.trend_2, measures_volatility=False)
            for name in self.names
            if name.endswith("-PERP")
        }
        self.pictures: dict[str, Picture] = {}
        self.second_pictures: dict[str, Picture] = {}
        self.rates: dict[str, list[int]] = {}
        self.fresh: dict[str, list[int]] = {}
        self.last_rate: dict[str, tuple[int, int]] = {}
        self.facts: dict[str, tuple[int, int]] = {}
        self.problems: list[str] = []
        self.bars_of_btc = 0
        self.paid = dict.fromkeys(self.names, 0)
        self.refused: dict[str, bool] = {}
        self.to_sell: list[Order] = []
        self.now_ns = 0
        self.high_of_day = 0

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
            margin=MarginRules(
                mode=CROSS, initial_e9=E9 // costs.leverage,
                tiers=(MarginTier(value_max=1 << 60, initial_e9=E9 // costs.leverage,
                                  maintenance_e9=costs.maintenance_e9),),
            ),
            wakes=s.WAKE_TIMER | s.WAKE_FILL | s.WAKE_ORDER | s.WAKE_FUNDING | s.WAKE_CONTROL,
            price_windows=self.market.windows,
            messages_in_flight=self.market.in_flight[every_ns],
            timer_first_ns=first_ns, timer_every_ns=every_ns,
        )  # fmt: skip
        return SubAccount(name, setup, self.tape)

    def _learn_static(self, instruments: Sequence[Instrument]) -> None:
        self.static: list[dict[str, Any]] = [
            {
                "tick": instrument.ticks_per_tick_size,
                "quanta": instrument.quanta_per_tick_lot,
                "base_quanta": int(instrument.lot_size / instrument.base_quantum),
                "min_lots": instrument.min_lots,
                "min_value": instrument.min_notional_quanta,
                "taker_fee_e9": instrument.taker_fee_e9,
                "fee_in_base": instrument.fee_in_base,
            }
            for instrument in instruments
        ]
        if CORE in self.run_.accounts and STAKED in self.names:
            lot_quanta = self.static[self.names.index(STAKED)]["base_quanta"]
            self.run_.earn = Earn(self.run_.accounts[CORE], STAKED, lot_quanta)
        self.columns = {name: self._columns(TRADES[name]) for name in self.run_.accounts}

    def _columns(self, kind: str) -> list[tuple[int, str, bool, bool, dict[str, Any]]]:
        """Of each instrument: place, name, is it a perpetual, may a sub-account of this kind trade it, its numbers."""
        found = []
        for n, name in enumerate(self.names):
            is_perpetual = name.endswith("-PERP")
            is_its = (
                name.removesuffix("-PERP") in self.pairs if kind == "both" else (kind == "perpetual") == is_perpetual
            )
            found.append((n, name, is_perpetual, is_its, self.static[n]))
        return found

    # ---- the way of a day ------------------------------------------------------------------------------------------
    def run(self, last_day: int, watch: Watch) -> EternalRun:
        """Day after day."""
        accounts = self.run_.accounts
        for day in range(self.first_day, last_day + 1):
            for name, account in accounts.items():
                if not account.advance(self._wake):
                    raise DataError(
                        f"the tape ends before day {day} is over for {name}, expected a row after its cycle"
                    )
            self.now_ns = (day + 1) * DAY_NS + FIVE_MINUTES_NS
            self._daily(day)
            watch(day, self.run_)
            for part in (1, 2):
                self.now_ns += PERIOD_NS
                between = [accounts[name] for name in (FUNDING, TACTICAL) if name in accounts]
                for account in between:
                    if day < last_day and not account.advance(self._wake):
                        raise DataError(f"the tape ends within day {day + 1}, expected a row after each settlement")
                if day < last_day:
                    self._settle(day, part)
        for account in accounts.values():
            account.kept.take(account.world)
        return self.run_

    def _seed(self, day: int) -> None:
        """What the tape told before the first day is TACTICAL's history: a start in a bear market sees the crash."""
        self._hear(day * DAY_NS)
        state = self.run_.portfolio.tactical
        self._change(tactical=seeded(state, self.painters["BTC"].high, self.bars_of_btc))

    def _daily(self, day: int) -> None:
        if day == self.first_day:
            self._seed(day)
        self._hear(self.now_ns)
        if self.run_.earn is not None:
            self.run_.earn.pay(self._fact_e9("eth_yield"))
            self.run_.earn.arrive(self.now_ns)
        shown = self._day(day)
        outcome = run_cycle(self.run_.portfolio, shown, self.config)
        self._mark(day, shown)
        self._carry_out(day, shown, outcome)
        for name, account in self.run_.accounts.items():
            orders = outcome.orders.get(name)
            if self.to_sell and name == TACTICAL:
                orders, self.to_sell = (*(orders or ()), *self.to_sell), []
            self._tell(name, orders)
            account.go()
        self.fresh, self.refused = {}, {}
        self.paid = dict.fromkeys(self.paid, 0)
        self.rates, self.problems, self.high_of_day = {}, [], 0

    def _settle(self, day: int, part: int) -> None:
        """After the settlement at 08:00 or 16:00: FUNDING alone; what it gives TACTICAL arrives at once."""
        self._hear(self.now_ns)
        if FUNDING in self.run_.accounts:
            shown = self._funding_day(day)
            outcome = run_settlement(self.run_.portfolio, shown, self.config)
            self._carry_out(day, shown, outcome)
            self._tell(FUNDING, outcome.orders.get(FUNDING))
            self.paid = dict.fromkeys(self.paid, 0)
            self.fresh, self.refused = {}, {}
        for name in (FUNDING, TACTICAL):
            if name in self.run_.accounts:
                self.run_.accounts[name].go()

    def _hear(self, now_ns: int) -> None:
        """Everything that the tape has told by now."""
        while self.next_told < len(self.told) and self.told[self.next_told].recv_ns <= now_ns:
            self._hear_one(self.told[self.next_told])
            self.next_told += 1

    def _hear_one(self, told: Told) -> None:
        name = self.names[told.instrument]
        if told.what == "bar":
            bar = DayBar(told.event_ns // DAY_NS - 1, *told.values)
            try:
                self.pictures[name] = self.painters[name].take(bar)
                if name in self.second:
                    self.second_pictures[name] = self.second[name].take(bar)
            except DataError as error:
                self.problems.append(str(error))
            if name == "BTC":
                self.bars_of_btc += 1
                self.high_of_day = max(self.high_of_day, bar.high)
        elif told.what == "rate":
            if self.last_rate.get(name, (0, 0))[0] == told.event_ns:  # that there is no rate has just been told
                return
            self.rates.setdefault(name, []).append(told.values[0])
            self.fresh.setdefault(name, []).append(told.values[0])
            self.last_rate[name] = (told.event_ns, told.values[0])
        elif told.what == "no_rate":
            self.last_rate[name] = (told.event_ns, 0)
            if any(account.holding(told.instrument)[0] for account in self.run_.accounts.values()):
                self.run_.unpaid_days += 1
        else:
            self.facts[told.what] = (told.recv_ns, told.values[0])

    def _fact(self, what: str) -> float | None:
        """A fact's value, None when nobody has told it or it is too old."""
        found = self._fact_e9(what)
        return None if found is None else found / E9

    def _fact_e9(self, what: str) -> int | None:
        found = self.facts.get(what)
        return found[1] if found is not None and self.now_ns - found[0] <= STALE_NS else None

    # ---- what a cycle is shown -------------------------------------------------------------------------------------
    def _day(self, day: int) -> Day:
        current = {name: seen for name, seen in self.pictures.items() if self.painters[name].last_day == day}
        fear = self._fact("fear_greed")
        returns = [self.painters[name].returns for name in ("BTC-PERP", "ETH-PERP") if name in self.painters]
        return Day(
            day=day,
            now_ns=self.now_ns,
            accounts={name: self._seen(account) for name, account in self.run_.accounts.items()},
            pictures={name: seen for name, seen in current.items() if not name.endswith("-PERP")},
            trend_pictures={
                TREND_1: {name: seen for name, seen in current.items() if name.endswith("-PERP")},
                TREND_2: {name: seen for name, seen in self.second_pictures.items() if name in current},
            },
            btc_high=self.high_of_day,
            correlation=correlation_of(*returns) if len(returns) == 2 else None,
            rates={name: tuple(rates) for name, rates in self.rates.items()},
            settled={name: rates[-1] for name, rates in self.fresh.items()},
            predicted=self._predicted(),
            funding_received=dict(self.paid),
            fear_greed=None if fear is None else int(fear),
            volatility_index=self._fact("volatility_index"),
            eth_yield_frac=self._fact("eth_yield"),
            earn_lots=0 if self.run_.earn is None else self.run_.earn.lots,
            withdrawals_open=self._fact("withdrawals_open") != 0,
            insurance_alarm=bool(self._fact("insurance_alarm")),
            deposit=self.deposits.get(day, 0),
            refused=dict(self.refused),
            problems=tuple(self.problems),
        )

    def _funding_day(self, day: int) -> Day:
        """What FUNDING is shown between two daily cycles."""
        return Day(
            day=day,
            now_ns=self.now_ns,
            accounts={FUNDING: self._seen(self.run_.accounts[FUNDING])},
            settled={name: rates[-1] for name, rates in self.fresh.items()},
            predicted=self._predicted(),
            funding_received=dict(self.paid),
            insurance_alarm=bool(self._fact("insurance_alarm")),
            refused=dict(self.refused),
        )

    def _predicted(self) -> dict[str, int]:
        """The rate of the next settlement as far as it is known: the last one, if it is of the last period."""
        return {
            name: rate for name, (at, rate) in self.last_rate.items()
            if self.now_ns - at <= PERIOD_NS and name in self.fresh
        }  # fmt: skip

    def _seen(self, account: SubAccount) -> Account:
        quotes, bound = {}, 0
        for n, name, is_perpetual, is_its, static in self.columns[account.name]:
            lots, _, _ = account.holding(n)
            if not (is_its or lots):
                continue
            bid, ask, last = account.market(n)
            if is_perpetual:
                bound += abs(lots) * last * static["quanta"]
            if is_its and bid and ask and last:
                quotes[name] = Quote(bid=bid, ask=ask, last=last, lots=lots, **static)
        cash, equity = account.money("USDT"), account.equity()
        if self.run_.earn is not None and account.name == CORE:
            equity += self._count_earn(quotes, self.run_.earn)
        return Account(equity=equity, cash=cash, free=max(cash - bound, 0), quotes=quotes)

    def _count_earn(self, quotes: dict[str, Quote], earn: Earn) -> int:
        """What is in the Earn product is CORE's: it counts for weights, and here for its worth."""
        quote = quotes.get(earn.asset)
        if quote is None or earn.away == 0:
            return 0
        quotes[earn.asset] = msgspec.structs.replace(quote, lots=quote.lots + earn.lots)
        return earn.away * quote.last * quote.quanta // quote.base_quanta

    # ---- what a cycle asks for ---------------------------------------------------------------------------------------
    def _carry_out(self, day: int, shown: Day, outcome: Outcome) -> None:
        """The portfolio as it is now; transfers and deposits into the books; the log."""
        accounts = self.run_.accounts
        self.run_.portfolio = outcome.portfolio
        self.run_.log += [(day, said) for said in outcome.log]
        for _, stake in outcome.stakes:
            self._stake(stake)
        for source, order in outcome.transfers:
            if order.to not in accounts:
                self._keep(source, order, shown)
                continue
            quanta = order.amount
            if order.asset != "USDT":
                quanta = order.amount * self.static[self.names.index(order.asset)]["base_quanta"]
            transfer(accounts[source], accounts[order.to], order.asset, quanta)
        for move in outcome.moves:
            transfer(accounts[move.source], accounts[move.to], "USDT", move.quanta)
        for name, quanta in outcome.deposit.items():
            if quanta:
                deposit(accounts[name], "USDT", quanta)

    def _keep(self, source: str, order: Transfer, shown: Day) -> None:
        """An engine that is alone has nobody to give to: money stays, coins are sold for money."""
        value = order.amount
        if order.asset != "USDT":
            value = shown.accounts[source].quotes[order.asset].worth(order.amount)
            self.to_sell.append(
                Order(instrument=order.asset, side=-1, lots=order.amount, style=AT_MARKET, rule=order.rule)
            )
        flows = dict(self.run_.portfolio.flows)
        self._change(flows={**flows, source: flows.get(source, 0) + value})

    def _stake(self, stake: Stake) -> None:
        """To the Earn product, or back from it; when CORE wants nothing in it, what it has earned comes too."""
        earn = self.run_.earn
        if earn is None:
            raise ConfigError(f"eternal: found {stake.asset} for the Earn product, expected CORE to hold it")
        if stake.lots > 0:
            earn.subscribe(stake.lots)
        else:
            earn.redeem(-stake.lots, self.now_ns, everything=self.run_.portfolio.core.staked == 0)

    def _mark(self, day: int, shown: Day) -> None:
        flows = dict(self.run_.portfolio.flows)
        self.run_.marks.append(
            DayMark(
                day=day,
                equity={name: seen.equity for name, seen in shown.accounts.items()},
                invested={
                    name: sum(abs(quote.value) for quote in seen.quotes.values())
                    for name, seen in shown.accounts.items()
                },
                regime=self.run_.portfolio.regime.regime,
                status=self.run_.portfolio.risk.status,
                flows=flows,
                price=shown.pictures["BTC"].close if "BTC" in shown.pictures else 0,
                eth_price=shown.pictures["ETH"].close if "ETH" in shown.pictures else 0,
            )
        )

    def _tell(self, name: str, orders: Sequence[Order] | None) -> None:
        """Let a sub-account want these orders; None: as before, less what was meant for the moment."""
        if orders is None:
            orders = [order for order in self.working[name] if order.style != AT_MARKET]
        self.working[name] = list(orders)
        self.run_.accounts[name].want([self._want(order) for order in orders])

    def _want(self, order: Order) -> Want:
        n = self.names.index(order.instrument)
        return Want(order.side, order.lots, order.price, STYLES[order.style], 0, order.reduce_only, n)

    # ---- what comes between two cycles -------------------------------------------------------------------------------
    def _wake(self, account: SubAccount, why: int) -> None:
        view = account.woken()
        name = self.names[view.instrument]
        if why == s.WAKE_FUNDING:
            if account.name == FUNDING:
                self.paid[name] -= view.fee
            return
        if why == s.WAKE_ORDER:
            if account.name == FUNDING or view.kind != ORDER_CANCELED:  # what we called back is over as we wished
                self._order_over(account, name)
        elif why == s.WAKE_FILL:
            self._filled(account, view, name)

    def _order_over(self, account: SubAccount, name: str) -> None:
        """An order is over without its fill: it is wanted no more; FUNDING looks at its legs."""
        kept = [order for order in self.working[account.name] if order.instrument != name or order.style == "stop"]
        if account.name == FUNDING:
            self.refused[name] = True
            self._between(account)
            self.refused = {}
        else:
            self._tell(account.name, kept)

    def _filled(self, account: SubAccount, view: Woken, name: str) -> None:
        n, side, price, lots = view.instrument, view.side, view.price, view.lots
        others = [
            o for o in self.working[account.name] if o.instrument != name or (o.side != side and o.style != "stop")
        ]
        portfolio = self.run_.portfolio
        day = view.now_ns // DAY_NS
        if account.name in (TREND_1, TREND_2):
            pictures = self.pictures if account.name == TREND_1 else self.second_pictures
            which = FIELDS[account.name]
            decision = trend_fill(
                getattr(portfolio, which), name, self._seen(account).quotes[name], price, pictures[name],
                getattr(self.config, which),
            )  # fmt: skip
            self._change(**{which: decision.state})
            self.run_.log += [(day, Said(stage="fill", account=account.name, note=note)) for note in decision.notes]
            stops = [] if decision.orders is None else list(decision.orders)
            self._tell(account.name, [o for o in others if o.instrument != name] + stops)
        elif account.name == FUNDING:
            self._between(account)
        else:
            if account.name == TACTICAL and side > 0:
                static = self.static[n]
                paid = lots * price * static["quanta"] + (0 if static["fee_in_base"] else view.fee)
                arrived = lots
                if static["fee_in_base"]:
                    arrived = account.holding(n)[0] - self._known_lots(name)
                self._change(tactical=tactical_fill(portfolio.tactical, name, lots, arrived, paid))
            self._tell(account.name, others)

    def _known_lots(self, asset: str) -> int:
        """Lots that TACTICAL's deployments count as theirs."""
        return sum(deployment.lots.get(asset, 0) for deployment in self.run_.portfolio.tactical.deployments)

    def _between(self, account: SubAccount) -> None:
        """FUNDING after a fill or an order that is over: no rate is new, its legs are compared again."""
        self.now_ns, before = account.woken().now_ns, self.now_ns
        day = self.now_ns // DAY_NS
        shown = Day(
            day=day, now_ns=self.now_ns, accounts={FUNDING: self._seen(account)}, refused=dict(self.refused),
            predicted={},
        )  # fmt: skip
        outcome = run_settlement(self.run_.portfolio, shown, self.config)
        self.run_.portfolio = outcome.portfolio
        self.run_.log += [(day, said) for said in outcome.log]
        self._tell(FUNDING, outcome.orders.get(FUNDING))
        self.now_ns = before

    def _change(self, **fields: Any) -> None:
        self.run_.portfolio = msgspec.structs.replace(self.run_.portfolio, **fields)


def _name_of(instrument: Instrument) -> str:
    """What the engines call it: BTC, or BTC-PERP."""
    return instrument.base_asset if instrument.kind == "spot" else f"{instrument.base_asset}-PERP"


def capital_in_quanta(amount: Any, instrument: Instrument) -> int:
    """Money in the quote asset's quanta; raises ConfigError for more digits than it has."""
    return int(exact_quanta(amount, instrument.quote_quantum, "capital"))


def equity_curve(run: EternalRun) -> Any:
    """Equity of the whole at every daily cycle, quanta."""
    return np.array([sum(mark.equity.values()) for mark in run.marks], np.int64)
