"""Systems in plain Python that leave their orders to execution algorithms."""

from quintet.core.execution.bounded import Bounded
from quintet.core.execution.iceberg import Iceberg
from quintet.core.execution.ladder import Ladder
from quintet.core.execution.maker import Maker
from quintet.core.execution.parent import BOUNDED, ICEBERG, MAKER, TWAP, Parent
from quintet.core.execution.position import Position
from quintet.core.execution.twap import Twap
from quintet.systems.own import Memory, Parameters, System, View, Want

RULES = {
    MAKER: Maker(at="touch", requote_s=0.5, timeout_s=8.0, then="take", too_little="keep"),
    BOUNDED: Bounded(attempts=2, within_s=1.0),
    TWAP: Twap(over_s=9.0, slices=3, at="touch"),
    ICEBERG: Iceberg(at="touch", requote_s=0.5, gap_max_s=1.0, timeout_s=9.0, then="take"),
}
EXIT = Ladder(share_fracs=(0.5, 0.3), at_units=(1.0, 2.0), stop_units=4.0, keep_frac=0.5)


class InTurn(System):
    """Buys by one algorithm after the other, leaves by a ladder, and begins again; `patience_s` ends a position."""

    timer_s = 0.5
    book_levels = 5

    class Parameters(Parameters):
        lots: int = 60
        unit: float = 40.0
        patience_s: float = 15.0

    class Memory(Memory):
        entry: Parent = Parent()
        exit: Position = Position()
        rounds: int = 0
        most: int = 0

    def on_timer(self, view: View) -> list[Want]:
        known, told = self.memory, self.parameters
        held = max(view.lots, 0)
        known.most = max(known.most, held)
        if not known.entry.is_active and not known.exit.is_active and view.bid and view.ask and not held:
            algorithm = tuple(RULES)[known.rounds % len(RULES)]
            known.entry = RULES[algorithm].begin(view, 1, told.lots, tag=1)
            known.rounds += 1
        elif known.entry.is_over and held and not known.exit.is_active:
            known.exit = EXIT.begin(view, 1, held, entry=view.last, unit=told.unit, tag=10)
        if known.exit.is_active and view.now_ns - known.exit.began_ns > told.patience_s * 1e9:
            known.exit = known.exit.called_off()
        return self.orders(view)

    def orders(self, view: View) -> list[Want]:
        known = self.memory
        wants: list[Want] = []
        if known.entry.is_active:
            known.entry, wants = RULES[known.entry.algorithm].work(known.entry, view)
        known.exit, leaving = EXIT.work(known.exit, view)
        return wants + leaving

    on_fill = on_order_over = on_touch = orders
