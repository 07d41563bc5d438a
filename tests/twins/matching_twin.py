"""Price-time matching as one would explain it: a list of resting orders, sorted anew for every incoming one."""

from dataclasses import dataclass, field


@dataclass
class TwinOrder:
    name: int
    owner: int
    sign: int
    price: int
    lots: int
    arrived: int
    filled: int = 0
    ended: bool = False

    @property
    def left(self) -> int:
        return self.lots - self.filled


@dataclass
class MatchingTwin:
    """Trades are (maker, taker, price, lots)."""

    resting: list[TwinOrder] = field(default_factory=list)
    trades: list[tuple[int, int, int, int]] = field(default_factory=list)
    arrivals: int = 0

    def opposite(self, sign: int, price: int) -> list[TwinOrder]:
        found = [order for order in self.resting if order.sign == -sign and sign * (order.price - price) <= 0]
        return sorted(found, key=lambda order: (sign * order.price, order.arrived))

    def place(self, order: TwinOrder, time_in_force: str, self_match: str) -> None:
        against = self.opposite(order.sign, order.price)
        if time_in_force == "PostOnly" and against:
            order.ended = True
            return
        if time_in_force == "FOK" and sum(other.left for other in against) < order.lots:
            order.ended = True
            return
        for maker in against:
            if not order.left:
                break
            if maker.owner == order.owner and self_match != "None":
                if self_match in ("CancelMaker", "CancelBoth"):
                    self.cancel(maker)
                if self_match in ("CancelTaker", "CancelBoth"):
                    order.ended = True
                    return
                continue
            lots = min(maker.left, order.left)
            self.trades.append((maker.name, order.name, maker.price, lots))
            maker.filled += lots
            order.filled += lots
            if not maker.left:
                self.cancel(maker)
        if not order.left or time_in_force in ("IOC", "FOK"):
            order.ended = True
        else:
            self.arrivals += 1
            order.arrived = self.arrivals
            self.resting.append(order)

    def cancel(self, order: TwinOrder) -> None:
        order.ended = True
        self.resting.remove(order)

    def amend(self, order: TwinOrder, price: int, lots: int, time_in_force: str) -> None:
        stays = price == order.price and lots <= order.lots
        order.price, order.lots = price, lots
        if not stays:
            self.resting.remove(order)
            self.place(order, time_in_force, "None")
