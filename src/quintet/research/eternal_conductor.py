"""The eternal engine as one state machine over its five sub-accounts: an event in, what they shall want out.

It knows no world. A replay hands it what its worlds show (`eternal_run`); a desk hands it the same from books that
live, and keeps every event on a tape. The same events give the same words.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

import msgspec

from quintet.core.errors import ConfigError, DataError
from quintet.core.instrument import Instrument
from quintet.core.units import E9
from quintet.research.daily_tape import DAY_NS, Told
from quintet.systems.eternal import Day, EternalConfig, Outcome, Portfolio, core_hodl, run_cycle
from quintet.systems.eternal.allocation import opening
from quintet.systems.eternal.config import CORE, FUNDING, TACTICAL, TREND_1, TREND_2
from quintet.systems.eternal.cycle import FIELDS, Said, run_settlement
from quintet.systems.eternal.pictures import DayBar, Painter, correlation_of
from quintet.systems.eternal.risk import HALT, NORMAL, REDUCE, Account, Approved, approve, resumed
from quintet.systems.eternal.said import MAKER, MARKET, STOP, Note, Order, Stake, Transfer
from quintet.systems.eternal.seen import Picture, Quote
from quintet.systems.eternal.tactical import on_fill as tactical_fill
from quintet.systems.eternal.tactical import seeded
from quintet.systems.eternal.trend import on_fill as trend_fill

PERIOD_NS: Final = DAY_NS // 3
MONEY: Final = "USDT"
STALE_NS: Final = 36 * 3_600_000_000_000
"""A fact older than this is missing."""

WITHDRAWALS_OPEN: Final = "withdrawals_open"
INSURANCE_ALARM: Final = "insurance_alarm"
"""Facts about the venue: 0 = closed; anything but 0 = alarm."""

VOLUME: Final = "volume_"
"""Begins the name of a fact: coins of an instrument that were traded in the last day that is over."""

TRADES: Final = {CORE: "spot", TREND_1: "perpetual", TREND_2: "perpetual", FUNDING: "both", TACTICAL: "spot"}


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


# ---- what it hears -----------------------------------------------------------------------------------------------


class Heard(msgspec.Struct, frozen=True, tag="heard"):
    """Bars, rates and facts, in the order in which they are known."""

    told: tuple[Told, ...]


class Opens(msgspec.Struct, frozen=True, tag="opens"):
    """A portfolio begins with so much money, quanta, that comes from outside."""

    capital: int


class Begins(msgspec.Struct, frozen=True, tag="begins"):
    """Everything told so far is history: TACTICAL starts with what it knows of it."""


class Cycle(msgspec.Struct, frozen=True, tag="cycle", omit_defaults=True):
    """The daily cycle on the close of `day`: what every sub-account has and sees."""

    day: int
    now_ns: int
    accounts: Mapping[str, Account]
    deposit: int = 0
    earn_lots: int = 0
    operator: tuple[tuple[str, str], ...] = ()


class Settled(msgspec.Struct, frozen=True, tag="settled"):
    """A settlement between two daily cycles is over: FUNDING looks, and what it gives TACTICAL arrives."""

    day: int
    now_ns: int
    funding: Account


class Paid(msgspec.Struct, frozen=True, tag="paid"):
    """Funding was paid by FUNDING for a perpetual: quanta, - = received."""

    instrument: str
    quanta: int


class Filled(msgspec.Struct, frozen=True, tag="filled", omit_defaults=True):
    """An order of a sub-account was filled. `seen` is told for those whose engine looks at it; `held_lots` after it."""

    account: str
    instrument: str
    now_ns: int
    side: int
    price: int
    lots: int
    fee: int
    held_lots: int = 0
    seen: Account | None = None


class Over(msgspec.Struct, frozen=True, tag="over", omit_defaults=True):
    """An order of a sub-account is over without its fill. `recalled`: we called it back."""

    account: str
    instrument: str
    now_ns: int
    recalled: bool = False
    seen: Account | None = None


class Looked(msgspec.Struct, frozen=True, tag="looked"):
    """Time has passed while a leg of FUNDING stood alone, or it must leave at once."""

    now_ns: int
    funding: Account


class NotMoved(msgspec.Struct, frozen=True, tag="not moved"):
    """The venue has refused a movement: whoever was to give still has it."""

    key: str
    source: str
    to: str
    asset: str
    quanta: int
    value: int
    """In money."""
    text: str


class NotStaked(msgspec.Struct, frozen=True, tag="not staked"):
    """The venue has refused to take CORE's coins into the Earn product (lots above 0), or to give them back."""

    key: str
    asset: str
    lots: int
    text: str


Action = Literal["halt", "resume", "restart", "reset"]


class Operated(msgspec.Struct, frozen=True, tag="operated", omit_defaults=True):
    """A person has said what shall be with a sub-account, or (empty) with all. `key` never comes twice.

    halt: no new risk; resume: it goes on; restart: an engine that has failed is asked again; reset: of desks alone.
    `seen`: every sub-account as it stands, where orders are judged anew; `desks`: whose desks are told the same.
    """

    key: str
    action: Action
    now_ns: int
    account: str = ""
    seen: Mapping[str, Account] = {}
    desks: tuple[str, ...] = ()


Event = Opens | Heard | Begins | Cycle | Settled | Paid | Filled | Over | Looked | NotMoved | NotStaked | Operated

LOOKED_AT: Final = (TREND_1, TREND_2, FUNDING)
"""Sub-accounts whose engine looks at its account after a fill."""


# ---- what it says ------------------------------------------------------------------------------------------------


class Movement(msgspec.Struct, frozen=True, omit_defaults=True):
    """Quanta of an asset from one sub-account to another; no source: from outside. `key` never comes twice.

    `value`: in money.
    """

    key: str
    source: str
    to: str
    asset: str
    quanta: int
    value: int = 0


class Reply(msgspec.Struct, frozen=True, omit_defaults=True):
    """First what moves, then what each sub-account that is named shall want from now on."""

    movements: tuple[Movement, ...] = ()
    orders: Mapping[str, tuple[Order, ...]] = {}
    stakes: tuple[tuple[str, Stake], ...] = ()


class Static(NamedTuple):
    """What of an instrument stands on every quote of it."""

    tick: int
    quanta: int
    base_quanta: int
    min_lots: int
    min_value: int
    taker_fee_e9: int
    fee_in_base: bool


def static_of(instrument: Instrument) -> Static:
    """The numbers of one instrument."""
    return Static(
        instrument.ticks_per_tick_size,
        instrument.quanta_per_tick_lot,
        int(instrument.lot_size / instrument.base_quantum),
        instrument.min_lots,
        instrument.min_notional_quanta,
        instrument.taker_fee_e9,
        instrument.fee_in_base,
    )


def name_of(instrument: Instrument) -> str:
    """What the engines call it: BTC, or BTC-PERP."""
    return instrument.base_asset if instrument.kind == "spot" else f"{instrument.base_asset}-PERP"


class Column(NamedTuple):
    """An instrument to one sub-account: its place, is it a perpetual, may it be traded here, its numbers."""

    n: int
    name: str
    is_perpetual: bool
    is_its: bool
    numbers: dict[str, Any]


class Conductor:
    """Hears one event after the other. `accounts`: the sub-accounts there are; `pairs`: what FUNDING may trade."""

    def __init__(
        self, config: EternalConfig, instruments: Sequence[Instrument], accounts: Sequence[str], pairs: Sequence[str]
    ) -> None:
        """Raises ConfigError without Bitcoin."""
        self.names = tuple(map(name_of, instruments))
        if "BTC" not in self.names:
            raise ConfigError(f"eternal: found {', '.join(self.names) or 'no instruments'}, expected BTC among them")
        self.config, self.accounts, self.pairs = config, tuple(accounts), frozenset(pairs)
        self.portfolio = Portfolio()
        self.marks: list[DayMark] = []
        self.log: list[tuple[int, Said]] = []
        self.working: dict[str, tuple[Order, ...]] = dict.fromkeys(accounts, ())
        self.static = {name: static_of(instrument) for name, instrument in zip(self.names, instruments, strict=True)}
        self._lot_sizes = {name: instrument.lot_size for name, instrument in zip(self.names, instruments, strict=True)}
        self.columns = {account: self._columns(account) for account in accounts}
        perpetuals = [name for name in self.names if name.endswith("-PERP")]
        self._painters = {
            name: Painter(name, config.trend_1, measures_volatility=name not in perpetuals) for name in self.names
        }
        self._second = {name: Painter(name, config.trend_2, measures_volatility=False) for name in perpetuals}
        self._pictures: dict[str, Picture] = {}
        self._second_pictures: dict[str, Picture] = {}
        self._rates: dict[str, list[int]] = {}
        self._fresh: dict[str, list[int]] = {}
        self._last_rate: dict[str, tuple[int, int]] = {}
        self._forecasts: dict[str, tuple[int, int]] = {}
        self._facts: dict[str, tuple[int, int]] = {}
        self._problems: list[str] = []
        self._bars_of_btc = self._high_of_day = 0
        self.days_end = [0] * len(self.names)
        self.settled_ns = [0] * len(self.names)
        """Of each instrument: when the last day that was told ended, and the last rate was settled, ns; 0: none yet."""
        self.has_begun = False
        self._paid = dict.fromkeys(self.names, 0)
        self._refused: dict[str, bool] = {}
        self._to_sell: tuple[Order, ...] = ()
        self._must_leave = False
        """An insurance alarm has been told, and FUNDING has not looked since."""

    def hear(self, event: Event) -> Reply:
        """One event."""
        if isinstance(event, Heard):
            for told in event.told:
                self._hear_one(told)
        elif isinstance(event, Opens):
            shares = opening(event.capital)
            return Reply(
                tuple(Movement(f"opening {to}", "", to, MONEY, quanta, quanta) for to, quanta in shares.items())
            )
        elif isinstance(event, Begins):
            self.has_begun = True
            self._change(tactical=seeded(self.portfolio.tactical, self._painters["BTC"].high, self._bars_of_btc))
        elif isinstance(event, Cycle):
            return self._daily(event)
        elif isinstance(event, Settled):
            return self._settle(event)
        elif isinstance(event, Paid):
            self._paid[event.instrument] -= event.quanta
        elif isinstance(event, Filled):
            return self._filled(event)
        elif isinstance(event, Over):
            return self._over(event)
        elif isinstance(event, Looked):
            return self._between(event.now_ns, event.funding)
        elif isinstance(event, Operated):
            return self._operated(event)
        elif isinstance(event, NotStaked):
            core = self.portfolio.core
            self._change(core=msgspec.structs.replace(core, staked=core.staked - event.lots))
        else:
            self._take_back(event)
        return Reply()

    @property
    def must_look(self) -> bool:
        """Does a leg of FUNDING stand alone, or must FUNDING leave before the next settlement?"""
        return self._must_leave or any(pair.naked_since_ns for pair in self.portfolio.funding.pairs.values())

    def _columns(self, account: str) -> list[Column]:
        found = []
        for n, (name, static) in enumerate(self.static.items()):
            is_perpetual, kind = name.endswith("-PERP"), TRADES[account]
            is_its = (
                name.removesuffix("-PERP") in self.pairs if kind == "both" else (kind == "perpetual") == is_perpetual
            )
            found.append(Column(n, name, is_perpetual, is_its, static._asdict()))
        return found

    # ---- facts -------------------------------------------------------------------------------------------------

    def _hear_one(self, told: Told) -> None:
        name = self.names[told.instrument]
        if told.what == "bar":
            self.days_end[told.instrument] = told.event_ns
            self._hear_bar(name, DayBar(told.event_ns // DAY_NS - 1, *told.values))
        elif told.what == "rate":
            self.settled_ns[told.instrument] = told.event_ns
            if self._last_rate.get(name, (0, 0))[0] == told.event_ns:  # that there is no rate has just been told
                return
            self._rates.setdefault(name, []).append(told.values[0])
            self._fresh.setdefault(name, []).append(told.values[0])
            self._last_rate[name] = (told.event_ns, told.values[0])
        elif told.what == "no_rate":
            self._last_rate[name] = (told.event_ns, 0)
        elif told.what == "predicted":
            self._forecasts[name] = (told.recv_ns, told.values[0])
        else:
            self._hear_fact(told)

    def _hear_fact(self, told: Told) -> None:
        if told.what == INSURANCE_ALARM:
            is_alarmed = bool(self._fact(INSURANCE_ALARM, told.recv_ns))
            self._must_leave = bool(told.values[0]) and (self._must_leave or not is_alarmed)
        self._facts[told.what] = (told.recv_ns, told.values[0])

    def _hear_bar(self, name: str, bar: DayBar) -> None:
        try:
            self._pictures[name] = self._painters[name].take(bar)
            if name in self._second:
                self._second_pictures[name] = self._second[name].take(bar)
        except DataError as error:
            self._problems.append(str(error))
        if name == "BTC":
            self._bars_of_btc += 1
            self._high_of_day = max(self._high_of_day, bar.high)

    def _fact(self, what: str, now_ns: int) -> float | None:
        found = self.fact_e9(what, now_ns)
        return None if found is None else found / E9

    def fact_e9(self, what: str, now_ns: int) -> int | None:
        """A fact's value in 1e-9, None when nobody has told it or it is too old."""
        found = self._facts.get(what)
        return found[1] if found is not None and now_ns - found[0] <= STALE_NS else None

    # ---- the way of a day --------------------------------------------------------------------------------------

    def _daily(self, cycle: Cycle) -> Reply:
        shown = self._day(cycle)
        outcome = run_cycle(self.portfolio, shown, self.config)
        self._mark(shown)
        movements = self._take(shown, outcome)
        orders = {name: outcome.orders.get(name) for name in self.accounts}
        if self._to_sell and TACTICAL in orders:
            orders[TACTICAL] = (*(orders[TACTICAL] or ()), *self._to_sell)
            self._to_sell = ()
        self._forget_period()
        self._rates, self._problems, self._high_of_day = {}, [], 0
        return Reply(movements, {name: self._tell(name, some) for name, some in orders.items()}, outcome.stakes)

    def _settle(self, settled: Settled) -> Reply:
        shown = Day(
            day=settled.day,
            now_ns=settled.now_ns,
            accounts={FUNDING: settled.funding},
            settled={name: rates[-1] for name, rates in self._fresh.items()},
            predicted=self._predicted(settled.now_ns),
            funding_received=dict(self._paid),
            insurance_alarm=bool(self._fact(INSURANCE_ALARM, settled.now_ns)),
            refused=dict(self._refused),
        )
        outcome = run_settlement(self.portfolio, shown, self.config)
        movements = self._take(shown, outcome)
        self._forget_period()
        return Reply(movements, {FUNDING: self._tell(FUNDING, outcome.orders.get(FUNDING))})

    def _forget_period(self) -> None:
        self._fresh, self._refused, self._must_leave = {}, {}, False
        self._paid = dict.fromkeys(self._paid, 0)

    def _day(self, cycle: Cycle) -> Day:
        day, now_ns = cycle.day, cycle.now_ns
        current = {name: seen for name, seen in self._pictures.items() if self._painters[name].last_day == day}
        fear = self._fact("fear_greed", now_ns)
        returns = [self._painters[name].returns for name in ("BTC-PERP", "ETH-PERP") if name in self._painters]
        return Day(
            day=day,
            now_ns=now_ns,
            accounts=cycle.accounts,
            pictures={name: seen for name, seen in current.items() if not name.endswith("-PERP")},
            trend_pictures={
                TREND_1: {name: seen for name, seen in current.items() if name.endswith("-PERP")},
                TREND_2: {name: seen for name, seen in self._second_pictures.items() if name in current},
            },
            btc_high=self._high_of_day,
            correlation=correlation_of(*returns) if len(returns) == 2 else None,
            rates={name: tuple(rates) for name, rates in self._rates.items()},
            settled={name: rates[-1] for name, rates in self._fresh.items()},
            predicted=self._predicted(now_ns),
            funding_received=dict(self._paid),
            fear_greed=None if fear is None else int(fear),
            volatility_index=self._fact("volatility_index", now_ns),
            eth_yield_frac=self._fact("eth_yield", now_ns),
            withdrawals_open=self._fact(WITHDRAWALS_OPEN, now_ns) != 0,
            insurance_alarm=bool(self._fact(INSURANCE_ALARM, now_ns)),
            earn_lots=cycle.earn_lots,
            volumes=self._volumes(now_ns),
            deposit=cycle.deposit,
            refused=dict(self._refused),
            operator=cycle.operator,
            problems=tuple(self._problems),
        )

    def _volumes(self, now_ns: int) -> dict[str, int]:
        """In lots, of the instruments of which somebody has told it."""
        told = {name: self.fact_e9(f"{VOLUME}{name}", now_ns) for name in self.names}
        return {name: int(coins / self._lot_sizes[name] / E9) for name, coins in told.items() if coins is not None}

    def _predicted(self, now_ns: int) -> dict[str, int]:
        """The rate of the next settlement as far as it is known: what was told of it, else the last that was settled.

        Either only when it is of the last period.
        """
        settled = {
            name: rate for name, (at, rate) in self._last_rate.items()
            if now_ns - at <= PERIOD_NS and name in self._fresh
        }  # fmt: skip
        told = {name: rate for name, (at, rate) in self._forecasts.items() if now_ns - at < PERIOD_NS}
        return settled | told

    def _mark(self, shown: Day) -> None:
        portfolio, pictures = self.portfolio, shown.pictures
        self.marks.append(
            DayMark(
                day=shown.day,
                equity={name: seen.equity for name, seen in shown.accounts.items()},
                invested={
                    name: sum(abs(quote.value) for quote in seen.quotes.values())
                    for name, seen in shown.accounts.items()
                },
                regime=portfolio.regime.regime,
                status=portfolio.risk.status,
                flows=dict(portfolio.flows),
                price=pictures["BTC"].close if "BTC" in pictures else 0,
                eth_price=pictures["ETH"].close if "ETH" in pictures else 0,
            )
        )

    # ---- money that moves --------------------------------------------------------------------------------------

    def _take(self, shown: Day, outcome: Outcome) -> tuple[Movement, ...]:
        """The portfolio as it is now, the log, and what moves."""
        self.portfolio = outcome.portfolio
        self.log += [(shown.day, said) for said in outcome.log]
        found, number = [], outcome.first_transfer
        for source, order in outcome.transfers:
            if order.to in self.accounts:
                found.append(self._transfer(f"transfer {number}", source, order, shown))
            else:
                self._keep(source, order, shown)
            number += 1
        for move in outcome.moves:
            found.append(Movement(f"transfer {number}", move.source, move.to, MONEY, move.quanta, move.quanta))
            number += 1
        for name, quanta in outcome.deposit.items():
            if quanta:
                found.append(Movement(f"deposit {shown.day} {name}", "", name, MONEY, quanta, quanta))
        return tuple(found)

    def _transfer(self, key: str, source: str, order: Transfer, shown: Day) -> Movement:
        quanta = value = order.amount
        if order.asset != MONEY:
            quanta = order.amount * self.static[order.asset].base_quanta
            value = shown.accounts[source].quotes[order.asset].worth(order.amount)
        return Movement(key, source, order.to, order.asset, quanta, value)

    def _keep(self, source: str, order: Transfer, shown: Day) -> None:
        """An engine that is alone has nobody to give to: money stays, coins are sold for money."""
        value = order.amount
        if order.asset != MONEY:
            value = shown.accounts[source].quotes[order.asset].worth(order.amount)
            sale = Order(instrument=order.asset, side=-1, lots=order.amount, style=MARKET, rule=order.rule)
            self._to_sell = (*self._to_sell, sale)
        self._flow(source, value)

    def _take_back(self, event: NotMoved) -> None:
        """What did not move is neither gain nor loss of either side."""
        self._flow(event.source, event.value)
        self._flow(event.to, -event.value)
        if event.asset == MONEY:
            inflow = self.portfolio.inflow
            self._change(inflow={**inflow, event.to: inflow.get(event.to, 0) - event.value})

    def _flow(self, account: str, value: int) -> None:
        if account:
            flows = self.portfolio.flows
            self._change(flows={**flows, account: flows.get(account, 0) + value})

    # ---- what comes between two cycles ---------------------------------------------------------------------------

    def _tell(self, name: str, orders: Sequence[Order] | None) -> tuple[Order, ...]:
        """What a sub-account shall want; None: as before, less what was meant for the moment."""
        if orders is None:
            orders = [order for order in self.working[name] if order.style != MARKET]
        self.working[name] = tuple(orders)
        return self.working[name]

    def _over(self, over: Over) -> Reply:
        """An order is over without its fill: it is wanted no more; FUNDING looks at its legs."""
        if over.account == FUNDING:
            assert over.seen is not None, "FUNDING looks at its account"
            self._refused[over.instrument] = True
            reply = self._between(over.now_ns, over.seen)
            self._refused = {}
            return reply
        if over.recalled:  # it is over as we wished
            return Reply()
        kept = [o for o in self.working[over.account] if o.instrument != over.instrument or o.style == STOP]
        return Reply(orders={over.account: self._tell(over.account, kept)})

    def _filled(self, fill: Filled) -> Reply:
        """What its engine makes of a fill; one that fails is set aside, as in a cycle, and the others go on."""
        try:
            return self._taken(fill)
        except Exception as error:
            what, name = f"{type(error).__name__}: {error}", fill.account
            self._change(failed={**self.portfolio.failed, name: what})
            note = Note(kind="engine_failed", values={"error": what}, alert=True)
            self.log.append((fill.now_ns // DAY_NS, Said(stage="fill", account=name, note=note)))
            return Reply(orders={name: self._tell(name, None)})

    def _taken(self, fill: Filled) -> Reply:
        name = fill.account
        if name == FUNDING:
            assert fill.seen is not None, "FUNDING looks at its account"
            return self._between(fill.now_ns, fill.seen)
        if name in (TREND_1, TREND_2):
            return Reply(orders={name: self._tell(name, self._trend_filled(fill))})
        if name == TACTICAL and fill.side > 0:
            self._tactical_filled(fill)
        return Reply(orders={name: self._tell(name, self._still_wanted(fill))})

    def _still_wanted(self, fill: Filled) -> list[Order]:
        """What an engine has said, less what was filled; what rests and was filled in part goes on with the rest."""
        wanted, left = [], fill.lots
        for order in self.working[fill.account]:
            if order.instrument != fill.instrument or (order.side != fill.side and order.style != STOP):
                wanted.append(order)
            elif order.side == fill.side:
                filled = min(order.lots, left)
                left -= filled
                if order.style == MAKER and order.lots > filled:
                    wanted.append(msgspec.structs.replace(order, lots=order.lots - filled))
        return wanted

    def _trend_filled(self, fill: Filled) -> list[Order]:
        """The orders of the other market, and the stop of this one."""
        assert fill.seen is not None, "TREND looks at its account"
        field = FIELDS[fill.account]
        pictures = self._pictures if fill.account == TREND_1 else self._second_pictures
        decision = trend_fill(
            getattr(self.portfolio, field), fill.instrument, fill.seen.quotes.get(fill.instrument) or self._quote(fill),
            fill.price, pictures[fill.instrument], getattr(self.config, field),
        )  # fmt: skip
        self._change(**{field: decision.state})
        day = fill.now_ns // DAY_NS
        self.log += [(day, Said(stage="fill", account=fill.account, note=note)) for note in decision.notes]
        others = [order for order in self.working[fill.account] if order.instrument != fill.instrument]
        return [*others, *(decision.orders or ())]

    def _quote(self, fill: Filled) -> Quote:
        """Where the book is not known, as after a restart: all that is known is what was traded."""
        price, static = fill.price, self.static[fill.instrument]
        return Quote(bid=price, ask=price, last=price, lots=fill.held_lots, **static._asdict())

    def _tactical_filled(self, fill: Filled) -> None:
        static, state = self.static[fill.instrument], self.portfolio.tactical
        paid = fill.lots * fill.price * static.quanta + (0 if static.fee_in_base else fill.fee)
        arrived = fill.lots
        if static.fee_in_base:
            arrived = fill.held_lots - sum(one.lots.get(fill.instrument, 0) for one in state.deployments)
        self._change(tactical=tactical_fill(state, fill.instrument, fill.lots, arrived, paid))

    def _between(self, now_ns: int, funding: Account) -> Reply:
        """FUNDING after a fill, an order that is over, a while alone: no rate is new, its legs are compared again.

        An insurance alarm that it has not seen yet makes it leave now.
        """
        day = now_ns // DAY_NS
        shown = Day(
            day=day, now_ns=now_ns, accounts={FUNDING: funding}, refused=dict(self._refused), predicted={},
            insurance_alarm=self._must_leave,
        )  # fmt: skip
        self._must_leave = False
        outcome = run_settlement(self.portfolio, shown, self.config)
        self.portfolio = outcome.portfolio
        self.log += [(day, said) for said in outcome.log]
        return Reply(orders={FUNDING: self._tell(FUNDING, outcome.orders.get(FUNDING))})

    # ---- what a person says --------------------------------------------------------------------------------------

    def _operated(self, said: Operated) -> Reply:
        """It holds from here on; what engines make of it, they decide at their next wake."""
        portfolio, risk, name = self.portfolio, self.portfolio.risk, said.account
        if said.action == "halt" and name:
            self._change(risk=msgspec.structs.replace(risk, paused=risk.paused | {name}))
        elif said.action == "halt":
            self._change(risk=msgspec.structs.replace(risk, is_halted=True, status=HALT))
        elif said.action == "resume" and name:
            if name == CORE:
                self._change(core=core_hodl.resume(portfolio.core))
            if name in risk.paused:
                self._change(risk=resumed(risk, name))
        elif said.action == "resume":
            status = REDUCE if risk.is_reduced else NORMAL
            self._change(risk=msgspec.structs.replace(risk, is_halted=False, status=status))
        elif said.action == "restart":
            self._change(failed={each: error for each, error in portfolio.failed.items() if each != name})
        note = Note(kind="operator", values={"action": said.action, "account": name})
        self.log.append((said.now_ns // DAY_NS, Said(stage="operator", account=name, note=note)))
        return Reply(orders=self._without_new_risk(said) if said.action == "halt" else {})

    def _without_new_risk(self, said: Operated) -> dict[str, tuple[Order, ...]]:
        """What those that are halted shall want still, where it is less than before."""
        found = {}
        for name in (said.account,) if said.account else self.accounts:
            kept = [order for order in self.working[name] if self._may_stay(order, name, said.seen)]
            if len(kept) < len(self.working[name]):
                found[name] = self._tell(name, kept)
        return found

    def _may_stay(self, order: Order, name: str, seen: Mapping[str, Account]) -> bool:
        """A stop may also where its market is not known; of anything else the risk manager says whether it reduces."""
        if order.reduce_only or order.style == STOP:
            return True
        return isinstance(approve(order, name, seen, self.portfolio.risk, self.config), Approved)

    def _change(self, **fields: Any) -> None:
        self.portfolio = msgspec.structs.replace(self.portfolio, **fields)
