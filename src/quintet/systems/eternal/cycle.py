"""The daily cycle, as a table: data, risk, engines, capital, log. Pure: a portfolio and a day in, wishes out.

An engine that raises is contained: its state stays the last good one, its orders at the venue stay as they are, a
person is told, and all others go on; a person restarts it. Source: the specification's 6.2 and its reading G17 and G18.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from quintet.systems.eternal import allocation, core_hodl, funding, tactical, trend, views
from quintet.systems.eternal.config import ACCOUNTS, CORE, FUNDING, TACTICAL, TREND_1, TREND_2, EternalConfig
from quintet.systems.eternal.portfolio import Day, Portfolio
from quintet.systems.eternal.regimes import observe
from quintet.systems.eternal.risk import HALT, NO_VOLUMES, Account, Approved, Refused, approve, assess, resumed
from quintet.systems.eternal.said import Decision, Note, Order, Stake, Transfer


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the log: which stage, which sub-account (empty: the whole), what."""

    stage: str
    account: str
    note: Note


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a cycle asks for. `orders` None of a sub-account: those that work stay as they are.

    `transfers` are of engines, `moves` of the orchestrator, `deposit` is money from outside by sub-account. Each has a
    number that never comes twice: `first_transfer` and on.
    """

    portfolio: Portfolio
    orders: Mapping[str, tuple[Order, ...] | None]
    transfers: tuple[tuple[str, Transfer], ...] = ()
    moves: tuple[allocation.Move, ...] = ()
    deposit: Mapping[str, int] = {}
    stakes: tuple[tuple[str, Stake], ...] = ()
    log: tuple[Said, ...] = ()
    first_transfer: int = 0


class Work:
    """What one cycle has in hand while it runs."""

    def __init__(self, portfolio: Portfolio, day: Day, config: EternalConfig) -> None:
        self.portfolio, self.day, self.config = portfolio, day, config
        self.stage = ""
        self.orders: dict[str, tuple[Order, ...] | None] = {}
        self.transfers: list[tuple[str, Transfer]] = []
        self.stakes: list[tuple[str, Stake]] = []
        self.plan = allocation.Plan()
        self.deposit: dict[str, int] = {}
        self.log: list[Said] = []

    def say(self, note: Note, account: str = "") -> None:
        """Write a line of the log."""
        self.log.append(Said(stage=self.stage, account=account, note=note))

    def change(self, **fields: Any) -> None:
        """The portfolio, with other values."""
        self.portfolio = msgspec.structs.replace(self.portfolio, **fields)


def run_cycle(portfolio: Portfolio, day: Day, config: EternalConfig) -> Outcome:
    """One day, stage by stage."""
    work = Work(portfolio, day, config)
    for work.stage, stage in STAGES:
        stage(work)
    return _outcome(work, portfolio)


def run_settlement(portfolio: Portfolio, day: Day, config: EternalConfig) -> Outcome:
    """FUNDING alone, after a settlement, a fill of a leg or an order of one that is over, between two daily cycles."""
    work = Work(portfolio, day, config)
    work.stage = "settlement"
    _ask(work, FUNDING, dict(ENGINES)[FUNDING])
    for account, transfer in work.transfers:
        work.say(Note(kind="transfer", values=msgspec.structs.asdict(transfer)), account)
        _remember(work, account, transfer.to, transfer.amount)
    work.change(transfers=work.portfolio.transfers + len(work.transfers))
    return _outcome(work, portfolio)


def _outcome(work: Work, portfolio: Portfolio) -> Outcome:
    return Outcome(
        portfolio=work.portfolio,
        orders=work.orders,
        transfers=tuple(work.transfers),
        moves=work.plan.moves,
        deposit=work.deposit,
        stakes=tuple(work.stakes),
        log=tuple(work.log),
        first_transfer=portfolio.transfers,
    )


def take_data(work: Work) -> None:
    """Name what was refused, hear what a person ordered, and look which market it is."""
    for problem in work.day.problems:
        work.say(Note(kind="refused_data", values={"problem": problem}, alert=True))
    for action, account in work.day.operator:
        _obey(work, action, account)
    picture = work.day.pictures.get("BTC")
    if picture is None:
        work.say(Note(kind="no_data", values={"what": "BTC"}))
        return
    before = work.portfolio.regime
    regime = observe(before, picture, work.day.day, work.config.orchestrator)
    work.change(regime=regime)
    if regime.regime != before.regime:
        work.say(Note(kind="regime", values={"from": before.regime, "to": regime.regime}))


def check_risk(work: Work) -> None:
    """The status of the portfolio and of each sub-account."""
    risk, notes = assess(work.portfolio.risk, work.day.accounts, work.portfolio.flows, work.config)
    work.change(risk=risk, flows={})
    for note in notes:
        work.say(note)


def run_engines(work: Work) -> None:
    """Each engine decides by itself, each order asks the risk manager."""
    for account, decide in ENGINES:
        if account in work.day.accounts:
            _ask(work, account, decide)


def move_capital(work: Work) -> None:
    """What comes from outside, what engines give, and what the orchestrator moves."""
    equity = {name: account.equity for name, account in work.day.accounts.items()}
    weights = work.portfolio.regime.weights_bp
    if work.day.deposit > 0:
        work.deposit = allocation.deposit(work.day.deposit, equity, weights)
        work.say(Note(kind="deposit", values={"quanta": work.day.deposit, **work.deposit}))
    if work.portfolio.risk.status == HALT or set(equity) != set(ACCOUNTS):
        return
    free = {name: account.free - _given(work, name) for name, account in work.day.accounts.items()}
    work.plan = allocation.rebalance(equity, free, weights, work.config.orchestrator)
    if work.plan.harvest and any(move.rule == "volatility_harvest" for move in work.plan.moves):
        work.say(Note(kind="volatility_harvest", values={"excess": work.plan.harvest}))


def close_log(work: Work) -> None:
    """One heartbeat a day, and what the next cycle must know of this one's money."""
    work.change(inflow=dict(work.deposit), flows=dict(work.deposit))
    for move in work.plan.moves:
        _remember(work, move.source, move.to, move.quanta)
        values = {"from": move.source, "to": move.to, "quanta": move.quanta, "rule": move.rule}
        work.say(Note(kind="move", values=values))
    for account, transfer in work.transfers:
        value, is_money = transfer.amount, transfer.asset == "USDT"
        if not is_money:
            value = work.day.accounts[account].quotes[transfer.asset].worth(transfer.amount)
        _remember(work, account, transfer.to, value, is_money)
        work.say(Note(kind="transfer", values=msgspec.structs.asdict(transfer)), account)
    work.change(
        release=work.plan.release,
        cycles=work.portfolio.cycles + 1,
        transfers=work.portfolio.transfers + len(work.transfers) + len(work.plan.moves),
        deposited=work.portfolio.deposited + work.day.deposit,
    )
    whole = sum(account.equity for account in work.day.accounts.values())
    work.say(Note(kind="heartbeat", values={"equity": whole, "regime": work.portfolio.regime.regime}))


STAGES: Final[tuple[tuple[str, Callable[[Work], None]], ...]] = (
    ("data", take_data),
    ("risk", check_risk),
    ("engines", run_engines),
    ("capital", move_capital),
    ("log", close_log),
)
"""The order of a day."""


FIELDS: Final = {CORE: "core", TREND_1: "trend_1", TREND_2: "trend_2", FUNDING: "funding", TACTICAL: "tactical"}
"""Sub-account to its field of portfolio and configuration."""


def _trend(account: str) -> Callable[[Portfolio, Day, EternalConfig], Decision[Any]]:
    def decide(portfolio: Portfolio, day: Day, config: EternalConfig) -> Decision[Any]:
        field = FIELDS[account]
        return trend.decide(getattr(portfolio, field), views.of_trend(portfolio, day, account), getattr(config, field))

    return decide


def _core(portfolio: Portfolio, day: Day, config: EternalConfig) -> Decision[Any]:
    return core_hodl.decide(portfolio.core, views.of_core(portfolio, day), config.core)


def _funding(portfolio: Portfolio, day: Day, config: EternalConfig) -> Decision[Any]:
    return funding.decide(portfolio.funding, views.of_funding(portfolio, day), config.funding)


def _tactical(portfolio: Portfolio, day: Day, config: EternalConfig) -> Decision[Any]:
    if "BTC" not in day.pictures:
        return Decision(state=portfolio.tactical, orders=None)
    return tactical.decide(portfolio.tactical, views.of_tactical(portfolio, day), config.tactical)


ENGINES: Final[tuple[tuple[str, Callable[[Portfolio, Day, EternalConfig], Decision[Any]]], ...]] = (
    (CORE, _core),
    (TREND_1, _trend(TREND_1)),
    (TREND_2, _trend(TREND_2)),
    (FUNDING, _funding),
    (TACTICAL, _tactical),
)
"""In the order in which they are asked; taking one away leaves the others as they are."""


def approved(
    orders: tuple[Order, ...],
    account: str,
    accounts: Mapping[str, Account],
    portfolio: Portfolio,
    config: EternalConfig,
    volumes: Mapping[str, int] = NO_VOLUMES,
) -> tuple[tuple[Order, ...], tuple[Note, ...]]:
    """What the risk manager lets through, and a note for each order that it stopped or cut."""
    passed, notes = [], []
    for order in orders:
        answer = approve(order, account, accounts, portfolio.risk, config, volumes)
        if isinstance(answer, Refused):
            notes.append(Note(kind="refused", values={"instrument": order.instrument, "limit": answer.limit}))
        elif isinstance(answer, Approved):
            if answer.limit:
                cut = {"instrument": order.instrument, "wanted": order.lots, "lots": answer.order.lots,
                       "limit": answer.limit}  # fmt: skip
                notes.append(Note(kind="cut", values=cut))
            passed.append(answer.order)
    return tuple(passed), tuple(notes)


def _ask(work: Work, account: str, decide: Callable[[Portfolio, Day, EternalConfig], Decision[Any]]) -> None:
    """Ask one engine, and contain it when it fails."""
    if account in work.portfolio.failed:
        work.orders[account] = None
        return
    try:
        decision = decide(work.portfolio, work.day, work.config)
    except Exception as error:  # whatever it is, the others go on
        _contain(work, account, error)
        return
    _take(work, account, decision)


def _take(work: Work, account: str, decision: Decision[Any]) -> None:
    work.change(**{FIELDS[account]: decision.state})
    for note in decision.notes:
        work.say(note, account)
    work.transfers += [(account, transfer) for transfer in decision.transfers]
    work.stakes += [(account, stake) for stake in decision.stakes]
    if decision.orders is None:
        work.orders[account] = None
        return
    day = work.day
    passed, notes = approved(decision.orders, account, day.accounts, work.portfolio, work.config, day.volumes)
    work.orders[account] = passed
    for note in notes:
        work.say(note, account)


def _contain(work: Work, account: str, error: Exception) -> None:
    """An engine has failed: what it has at the venue stays, a person is told."""
    what = f"{type(error).__name__}: {error}"
    work.change(failed={**work.portfolio.failed, account: what})
    work.orders[account] = None
    work.say(Note(kind="engine_failed", values={"error": what}, alert=True), account)


def _obey(work: Work, action: str, account: str) -> None:
    """What a person has ordered."""
    portfolio = work.portfolio
    if action == "restart":
        work.change(failed={name: error for name, error in portfolio.failed.items() if name != account})
    elif action == "resume" and account == CORE:
        work.change(core=core_hodl.resume(portfolio.core))
    elif action == "resume" and account:
        work.change(risk=resumed(portfolio.risk, account))
    elif action in ("halt", "resume"):
        work.change(risk=msgspec.structs.replace(portfolio.risk, is_halted=action == "halt"))
    work.say(Note(kind="operator", values={"action": action, "account": account}))


def _remember(work: Work, source: str, to: str, value: int, is_money: bool = True) -> None:
    """What has moved is neither gain nor loss of either side; money that came in is seen by the next cycle."""
    flows, inflow = dict(work.portfolio.flows), dict(work.portfolio.inflow)
    flows[to] = flows.get(to, 0) + value
    flows[source] = flows.get(source, 0) - value
    if is_money:
        inflow[to] = inflow.get(to, 0) + value
    work.change(flows=flows, inflow=inflow)


def _given(work: Work, account: str) -> int:
    """Cash that an engine has given away in this cycle."""
    return sum(transfer.amount for name, transfer in work.transfers if name == account and transfer.asset == "USDT")
