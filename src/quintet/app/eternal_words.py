"""What a portfolio's engines and desks say, as sentences for people: amounts with their units, prices, plain reasons.

Engines count in quanta, lots and increments, and know a dozen short names for their reasons; whoever is woken at night
knows neither. The numbers are exact: money to the cent, below 1 to its last digit. A kind of note that has no words yet
is told as it is written down, since a line that is hard to read is better than none.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from quintet.core.events import CANCEL, PLACE
from quintet.core.orders.lifecycle import MARKET, STYLE_NAMES
from quintet.research.eternal_conductor import MONEY, Movement
from quintet.systems.eternal.config import ACCOUNTS
from quintet.systems.eternal.cycle import Said
from quintet.systems.eternal.dates import date_of
from quintet.venues.bybit.listing import Listing

PAID: Final = "funding"
"""The kind of a line of a funding payment."""

PERPETUAL: Final = "-PERP"
OUTSIDE: Final = "the main account"

# ---- reasons -----------------------------------------------------------------------------------------------------

TRIGGERS: Final[Mapping[str, str]] = {
    "level_1": "level 1",
    "level_2": "level 2",
    "fear": "extreme fear",
    "funding": "deeply negative funding",
    "volatility": "extreme volatility",
}
"""What makes TACTICAL buy."""

REGIMES: Final[Mapping[str, str]] = {
    "bear": "bear",
    "high_volatility": "high volatility",
    "strong_bull": "strong bull",
    "before_halving": "before the halving",
    "default": "default",
}

LIMITS: Final[Mapping[str, str]] = {
    "instrument": "it is not traded here",
    "spot_only": "this engine trades spot only",
    "perpetuals_only": "this engine trades perpetuals only",
    "paused": "the sub-account is paused",
    "status": "the portfolio takes no new risk",
    "participation": "no larger part of a day's volume is taken",
    "cash_buffer": "the portfolio keeps a part of its cash free",
    "asset_cap": "the cap of one coin",
    "position_cap": "the cap of one position",
    "leverage": "the leverage of all positions",
    "liquidation_buffer": "too near to a liquidation",
    "pair_cap": "the cap of one pair",
}
"""What stops an order, or makes it smaller."""

REBALANCES: Final[Mapping[str, str]] = {
    "cap": "a coin above its cap",
    "drift": "weights that have drifted",
    "release": "money that is asked back",
    "cash": "cash that is unspent",
    "quarter": "the end of a quarter",
}

EXITS: Final[Mapping[str, str]] = {
    "again": "the exit of before was not filled",
    "average": "the price has crossed its long average",
    "time": "its time is over",
    "funding": "its funding is dear",
}

NO_TRADES: Final[Mapping[str, str]] = {
    "risk": "no new risk is taken",
    "quiet": "there was no trend for long",
    "funding": "funding closed that side",
    "today": "a position was left today",
    "too small": "it is too small for an order",
}

ENTRIES: Final[Mapping[str, str]] = {"small": "it is too small for an order", "risk": "no new risk is taken"}

TRANSFERS: Final[Mapping[str, str]] = {
    "funding": "half of the funding received",
    "target": "it has reached its target",
    "partial": "it rose fast",
    "year": "a year is over",
    "volatility_harvest": "TREND's surplus, 50/30/20",
    "excess": "more than its share",
}

Values = Mapping[str, Any]


class Units:
    """Numbers as text, by the names that the engines give instruments: BTC, BTC-PERP."""

    def __init__(self, names: Sequence[str], listing: Listing) -> None:
        """`names`: of the listing's instruments, in their order."""
        self._names, self._of = tuple(names), dict(zip(names, listing.instruments, strict=True))
        self._quanta = {name: asset.quantum for name, asset in listing.assets.items()}
        self._assets = {asset.number: name for name, asset in listing.assets.items()}

    def name_of(self, n: int) -> str:
        """What the engines call the instrument of a number."""
        return self._names[n]

    def cents(self, quanta: int) -> str:
        """Money without its name: `1,250.00`, and below 1 to the last digit, `0.00421`."""
        value = quanta * self._quanta[MONEY]
        return f"{value:,.2f}" if abs(value) >= 1 or value == round(value, 2) else digits(value)

    def money(self, quanta: int) -> str:
        """`1,250.00 USDT`."""
        return f"{self.cents(quanta)} {MONEY}"

    def amount(self, asset: str, quanta: int) -> str:
        """Quanta of money or of a coin: `1,250.00 USDT`, `0.125 BTC`."""
        return self.money(quanta) if asset == MONEY else f"{digits(quanta * self._quanta[asset])} {asset}"

    def asset_of(self, number: int) -> str:
        """The asset with this number in the ledger."""
        return self._assets[number]

    def quantity(self, name: str, lots: int) -> str:
        """Lots of an instrument: `0.125`."""
        return digits(self._of[name].quantity(lots))

    def lots(self, name: str, lots: int) -> str:
        """`0.125 BTC`; of a perpetual, too, it is coins."""
        return f"{self.quantity(name, lots)} {_asset(name)}"

    def price(self, name: str, increments: int) -> str:
        """`50,004.0`."""
        return f"{self._of[name].price(increments):,f}"

    def knows(self, name: str) -> bool:
        """Is an instrument called so?"""
        return name in self._of


def digits(value: Decimal) -> str:
    """All digits and no zeros behind them: `1,250.5`."""
    return f"{value.normalize():,f}"


def percent(frac: float, places: int = 1) -> str:
    """How far: `52.1 %`, whatever its sign."""
    return f"{100 * abs(frac):.{places}f} %"


def rate(e9: int) -> str:
    """A rate of funding with its sign: `0.0125 %`."""
    return f"{digits(Decimal(e9).scaleb(-7))} %"


def counted(n: int, what: str) -> str:
    """`no order`, `1 order`, `2 orders`."""
    return f"{n or 'no':{',' if n else ''}} {what}{'s' if n > 1 else ''}"


# ---- notes of the engines ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Spoken:
    """One note on its way into words. `account`: who says it; `market`: that it is of, where an event has named one."""

    units: Units
    account: str
    values: Values
    market: str

    def __getitem__(self, name: str) -> Any:
        return self.values[name]


def _tranche(note: Spoken) -> str:
    return f"instalment {note['number']}: {counted(note['orders'], 'order') if note['orders'] else 'nothing to buy'}"


def _falls(note: Spoken) -> str:
    """`BTC 71.0 %, ETH 75.2 % below the high`."""
    return ", ".join(f"{asset} {percent(frac)}" for asset, frac in note.values.items()) + " below the high"


def _weights(note: Spoken) -> str:
    """How far each coin is from its weight, in points."""
    drift = {name.removeprefix("drift_"): frac for name, frac in note.values.items() if name.startswith("drift_")}
    points = ", ".join(f"{asset} {round(100 * frac, 1) + 0.0:+.1f}" for asset, frac in drift.items())
    return f"off their weights by {points} points"


def _rebalance(note: Spoken) -> str:
    trades = {name.removeprefix("lots_"): lots for name, lots in note.values.items() if name.startswith("lots_")}
    orders = [f"{_side(lots)} {note.units.lots(asset, abs(lots))}" for asset, lots in trades.items()]
    return f"rebalances ({_why(note)}): {', '.join(orders) or 'no order today'}; {_weights(note)}"


def _why(note: Spoken) -> str:
    return REBALANCES.get(note["why"], note["why"])


def _transfer(note: Spoken) -> str:
    asset, amount = note["asset"], note["amount"]
    what = note.units.money(amount) if asset == MONEY else note.units.lots(asset, amount)
    return f"{what} to move from {note.account} to {note['to']} ({_because(note)})"


def _because(note: Spoken) -> str:
    return TRANSFERS.get(note["rule"], note["rule"])


def _deposit(note: Spoken) -> str:
    shares = [f"{name} {note.units.cents(note[name])}" for name in ACCOUNTS if note.values.get(name)]
    return f"{note.units.money(note['quanta'])} come from outside: {', '.join(shares)}"


def _status(note: Spoken) -> str:
    stands = f"the portfolio is {percent(note['drawdown'])} below its high"
    return {
        "NORMAL": f"all engines may take new risk again: {stands}",
        "REDUCE": f"TREND and FUNDING take no new risk: {stands}",
        "HALT": f"no engine takes new risk until a person resumes; {stands}",
    }[note["to"]]


def _operator(note: Spoken) -> str:
    name = note["account"]
    return {
        "halt": f"a person has ordered: no new risk {f'of {name}' if name else 'anywhere'}; exits and stops go on",
        "resume": f"a person has ordered: {name or 'the portfolio'} goes on",
        "restart": f"a person has ordered: {name}, which failed, is asked again",
        "reset": f"a person has looked at what stopped {f'the desk of {name}' if name else 'the desks'}: begin anew",
    }[note["action"]]


def _refused_data(note: Spoken) -> str:
    """Days and prices inside a refusal are numbers, too."""
    problem = str(note["problem"])
    market = problem.partition(",")[0]
    told = re.sub(r"\bday (\d+)", lambda found: date_of(int(found[1])).isoformat(), problem)
    if note.units.knows(market):
        told = re.sub(
            r"\b(open|high|low|close)( is)? (\d+)",
            lambda found: f"{found[1]}{found[2] or ''} {note.units.price(market, int(found[3]))}",
            told,
        ).replace("1 increment", note.units.price(market, 1))
    return f"a price was refused: {told}"


def _cut(note: Spoken) -> str:
    name, of = note["instrument"], note.units
    cut = f"{of.quantity(name, note['wanted'])} to {of.quantity(name, note['lots'])}"
    return f"an order in {name} made smaller, {cut} {_asset(name)}: {_limit(note)}"


def _limit(note: Spoken) -> str:
    return LIMITS.get(note["limit"], note["limit"])


def _entered(note: Spoken) -> str:
    """Of FUNDING both legs; of TREND a position and its stop."""
    of = note.units
    if "asset" in note.values:
        return f"pair entered: long {of.amount(note['asset'], note['long'])}, short {_short(note)}"
    market, lots = note["market"], note["lots"]
    price, stop = of.price(market, note["price"]), of.price(market, note["stop"])
    return f"{_direction(lots)} {of.lots(market, abs(lots))} entered at {price}, stop at {stop}"


def _short(note: Spoken) -> str:
    return note.units.amount(note["asset"], note["short"])


def _left(note: Spoken) -> str:
    """Of FUNDING a pair on its way out, by one of its exits; of TREND a position that we have closed."""
    if "gain_increments" in note.values:
        return f"position in {_market(note)} closed: {_gain(note)}"
    return f"the pair in {note['asset']} is closed: {_leaves(note)}"


def _leaves(note: Spoken) -> str:
    if note["rule"] == "negative":
        settled = note.values.get("rate_e9")
        last = "" if settled is None else f", {rate(settled)} the last time"
        return f"its funding is negative, or about to be{last}"
    if note["rule"] == "basis":
        return f"its two prices are {percent(note['basis'], 2)} apart"
    return {"days": "its days are over", "release": "its money is asked back"}[note["rule"]]


def _market(note: Spoken) -> str:
    return _asset(note.market)


def _gain(note: Spoken) -> str:
    """What each coin of a position has gained; increments of its price."""
    gain = note["gain_increments"]
    each = note.units.price(note.market, abs(gain))
    return f"{each} {MONEY} {'lost' if gain < 0 else 'gained'} on each {_market(note)}, before fees"


def _funding(note: Spoken) -> str:
    quanta, of = note["quanta"], note.units
    if quanta < 0:
        return f"funding of {note['asset']} since the last look: {of.money(-quanta)} paid"
    given = f", {of.cents(note['tactical'])} of it for TACTICAL" if note["tactical"] else ""
    return f"funding of {note['asset']} since the last look: {of.money(quanta)} received{given}"


def _closing(note: Spoken) -> str:
    return f"{counted(note['closed'], 'pair')} to close" if note["closed"] else "no pair is open"


def _deployed(note: Spoken) -> str:
    of = note.units
    parts = f"{of.cents(note['BTC'])} for BTC, {of.cents(note['ETH'])} for ETH"
    fallen = f"Bitcoin is {percent(note['drawdown'])} below its high"
    return f"{fallen}: {of.money(note['quanta'])} are being spent ({_trigger(note)}), {parts}"


def _given(note: Spoken, how: str) -> str:
    """A purchase that goes to CORE in kind, all of it or a part."""
    coins = [note.units.lots(asset, lots) for asset, lots in note.values.items() if note.units.knows(asset) and lots]
    bought = f"what was bought for {note.units.money(note['cost'])} ({_trigger(note)})"
    return f"{bought} {how}: {', '.join(coins)} for CORE"


def _trigger(note: Spoken) -> str:
    return TRIGGERS.get(note["trigger"], note["trigger"])


def _asset(name: str) -> str:
    return name.removesuffix(PERPETUAL)


def _side(lots: int) -> str:
    return "buy" if lots > 0 else "sell"


def _direction(lots: int) -> str:
    return "long" if lots > 0 else "short"


SENTENCES: Final[Mapping[str, Callable[[Spoken], str]]] = {
    # CORE
    "withdrawals_closed": lambda _: "withdrawals are closed at the venue: CORE does nothing until a person resumes it",
    "rebalancing_paused": lambda n: f"rebalancing pauses: {_falls(n)}",
    "rebalancing_resumed": lambda n: f"rebalancing goes on: {_falls(n)}",
    "tranche": _tranche,
    "built": lambda n: f"built up in {counted(n['tranches'], 'instalment')}: from now on it is held",
    "rebalance": _rebalance,
    "rebalanced": lambda n: f"the rebalance is over ({_why(n)}); {_weights(n)}",
    "rebalance_held_back": lambda n: f"no rebalance while it pauses ({_why(n)}); {_weights(n)}",
    "rebalance_skipped": lambda n: f"no rebalance ({_why(n)}): the last was a few days ago; {_weights(n)}",
    # TREND
    "entered": _entered,
    "exit": lambda n: f"the position in {_asset(n['market'])} is closed: {EXITS.get(n['rule'], n['rule'])}",
    "stopped": lambda n: f"stopped out of {_market(n)}: {_gain(n)}",
    "trailing_stop": lambda n: f"stopped out of {_market(n)} by the trailing stop: {_gain(n)}",
    "left": _left,
    "halved": lambda n: f"{n.units.lots(n['market'], n['lots'])} of the position are closed: both markets move as one",
    "no_trade": lambda n: (
        f"no {_direction(n['side'])} position in {_asset(n['market'])}: {NO_TRADES.get(n['rule'], n['rule'])}"
    ),
    # FUNDING
    "funding": _funding,
    "insurance_fund": lambda n: f"the venue's insurance fund runs dry: {_closing(n)}",
    "negative_for_long": lambda n: f"funding of {n['asset']} has been negative for long: {_closing(n)}",
    "not_entered": lambda n: f"no pair in {n['asset']}, though its funding pays: {ENTRIES.get(n['rule'], n['rule'])}",
    "opportunity": lambda n: (
        f"funding of {n['asset']} will pay {rate(n['rate_e9'])}: a pair of {n.units.amount(n['asset'], n['target'])}"
        " is being entered"
    ),
    "closed": lambda n: f"the pair in {n['asset']} is gone from both sides",
    "stray": lambda n: (
        f"{n.units.amount(n['asset'], n['long'])} long and {_short(n)} short belong to no pair, and are being closed"
    ),
    "undone": lambda n: (
        f"{n.units.amount(n['asset'], n['naked'])} of a pair stood on one side alone after "
        f"{counted(n['attempts'], 'attempt')}: being undone"
    ),
    # TACTICAL
    "waits": lambda n: f"a purchase is called for ({_trigger(n)}) and waits: the last one is too near",
    "too_small": lambda n: f"a purchase is called for ({_trigger(n)}): the money is too little for an order",
    "new_high": lambda n: f"Bitcoin has closed at a new high, {n.units.price('BTC', n['close'])}: levels count anew",
    "deployed": _deployed,
    "given_up": lambda n: f"the rest of a purchase ({_trigger(n)}) is given up: the venue has not taken it",
    "target": lambda n: _given(n, "has reached its target"),
    "partial": lambda n: _given(n, "rose fast, a part of it leaves"),
    "year": lambda n: _given(n, "is a year old"),
    # the whole
    "refused_data": _refused_data,
    "no_data": lambda n: f"no price of {n['what']} for the day: the market is judged as before",
    "regime": lambda n: f"the market is {_regime(n['to'])} now, it was {_regime(n['from'])}",
    "status": _status,
    "deep_drawdown": lambda n: f"look at it: the portfolio is {percent(n['drawdown'])} below its high",
    "engine_paused": lambda n: (
        f"{n['account']} pauses until a person resumes it: it is {percent(n['drawdown'])} below its own high"
    ),
    "engine_failed": lambda n: f"failed, and set aside until a person restarts it; its orders stay: {n['error']}",
    "operator": _operator,
    "refused": lambda n: f"an order in {n['instrument']} was not let through: {_limit(n)}",
    "cut": _cut,
    "transfer": _transfer,
    "move": lambda n: f"{n.units.money(n['quanta'])} to move from {n['from']} to {n['to']} ({_because(n)})",
    "deposit": _deposit,
    "volatility_harvest": lambda n: (
        f"TREND has outgrown its share by {n.units.money(n['excess'])}: 50 % of it for CORE, 30 % for FUNDING, "
        "20 % for TACTICAL"
    ),
    "heartbeat": lambda n: f"equity {n.units.money(n['equity'])}, market {_regime(n['regime'])}",
}
"""Kind of a note to its sentence."""


def _regime(name: str) -> str:
    return REGIMES.get(name, name)


def note_words(said: Said, units: Units, market: str = "") -> str:
    """A note as a sentence. `market`: the instrument of the event that was answered, where it is of one."""
    note = said.note
    spoken = Spoken(units, said.account, note.values, market)
    try:
        return SENTENCES[note.kind](spoken)
    except Exception:  # whatever it is that we have no words for, nobody stops trading for it
        return as_written(note.kind, note.values)


def as_written(kind: str, values: Values) -> str:
    """A note without words: its kind, names and numbers."""
    words = ", ".join(f"{name} {value}" for name, value in values.items())
    return f"{kind}: {words}" if words else kind


# ---- what a desk does --------------------------------------------------------------------------------------------


def fill_words(fill: Any, units: Units, simulated: bool = False) -> str:
    """An execution that is booked: `bought 0.0666 BTC at 50,004.0, maker, fee 0.0000666 BTC`."""
    name, fee = units.name_of(int(fill["instrument"])), int(fill["fee"])
    side, how = "bought" if fill["side"] > 0 else "sold", "maker" if fill["maker"] else "taker"
    cost = f"{'fee' if fee >= 0 else 'rebate'} {units.amount(units.asset_of(int(fill['fee_asset'])), abs(fee))}"
    what = f"{side} {units.quantity(name, int(fill['lots']))} {name} at {units.price(name, int(fill['price']))}"
    return f"{what}, {how}, {cost}{', simulated' if simulated else ''}"


def order_words(command: Any, units: Units) -> str:
    """A command that was decided: `buy 0.0666 BTC at 50,004.0, post-only`; at market its price is the worst."""
    name, kind, price = units.name_of(int(command["instrument"])), int(command["kind"]), int(command["price"])
    style = int(command["style"])
    at = f" at {units.price(name, price)}{' or better' if style == MARKET else ''}" if price else ""
    what = (
        f"{_side(int(command['side']))} {units.quantity(name, int(command['lots']))} {name}{at}, {STYLE_NAMES[style]}"
    )
    return what if kind == PLACE else f"{'cancel' if kind == CANCEL else 'amend to'}: {what}"


def payment_words(instrument: int, quanta: int, asset: int, units: Units) -> str:
    """Funding that was paid (above 0) or received for an instrument: `received 0.42 USDT for BTC-PERP`."""
    what = units.amount(units.asset_of(asset), abs(quanta))
    return f"{'paid' if quanta > 0 else 'received'} {what} for {units.name_of(instrument)}"


def movement_words(movement: Movement, units: Units) -> str:
    """What was to move: `500.00 USDT from TREND-1 to CORE`."""
    return f"{units.amount(movement.asset, movement.quanta)} from {movement.source or OUTSIDE} to {movement.to}"


def staking_words(asset: str, lots: int, units: Units) -> str:
    """What was to go to the venue's Earn product, or (below 0) to come back."""
    return f"{units.lots(asset, abs(lots))} {'to' if lots > 0 else 'back from'} the Earn product"
