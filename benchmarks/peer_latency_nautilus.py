"""The rule of `touch_rule` on NautilusTrader's Bybit adapter, unmodified but for its addresses, until SIGTERM.

python -m benchmarks.peer_latency_nautilus HOST:PORT KEY SECRET STAMPS.json
"""

import sys
from typing import Any

from nautilus_trader.adapters.bybit import factories
from nautilus_trader.adapters.bybit.common.enums import BybitProductType
from nautilus_trader.adapters.bybit.config import BybitDataClientConfig, BybitExecClientConfig
from nautilus_trader.adapters.bybit.websocket.client import BybitWebSocketClient
from nautilus_trader.config import InstrumentProviderConfig, LiveExecEngineConfig, LoggingConfig, TradingNodeConfig
from nautilus_trader.live.node import TradingNode
from nautilus_trader.model.data import OrderBookDeltas
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.identifiers import InstrumentId, TraderId
from nautilus_trader.model.objects import Price, Quantity
from nautilus_trader.trading.strategy import Strategy

from benchmarks.touch_rule import AWAY_TICKS, DEPTH, QUANTITY, SYMBOL, TICK, Stamps

INSTRUMENT = InstrumentId.from_str(f"{SYMBOL}-LINEAR.BYBIT")

host, key, secret, stamps_file = sys.argv[1:5]
stamps = Stamps()
handle, send_text = BybitWebSocketClient._msg_handler, BybitWebSocketClient._send_text


def hear(client: Any, raw: bytes) -> None:
    """The seam where a frame leaves the socket's library."""
    if "/public/" in client._base_url:
        stamps.heard()
    handle(client, raw)


async def send(client: Any, text: bytes) -> None:
    """The seam where a text is given to it."""
    if b'"order.' not in text:
        await send_text(client, text)
        return
    stamps.encoded()
    await send_text(client, text)
    stamps.written(text.decode())


BybitWebSocketClient._msg_handler, BybitWebSocketClient._send_text = hear, send
factories.get_ws_base_url_public = lambda **_: f"ws://{host}/v5/public/linear"  # the one address no config names


class Follower(Strategy):
    """Place at the first book, then amend."""

    def on_start(self) -> None:
        self.best, self.order = 0.0, None
        self.subscribe_order_book_deltas(INSTRUMENT, depth=DEPTH)

    def on_order_book_deltas(self, deltas: OrderBookDeltas) -> None:
        best = self.cache.order_book(INSTRUMENT).best_bid_price()
        if best is None or best == self.best:
            return
        self.best = best
        price = Price(float(best) - AWAY_TICKS * float(TICK), best.precision)
        if self.order is None:
            self.order = self.order_factory.limit(
                INSTRUMENT, OrderSide.BUY, Quantity.from_str(QUANTITY), price, post_only=True
            )
            self.submit_order(self.order)
        else:
            self.modify_order(self.order, price=price)


def node() -> TradingNode:
    """Data and orders over the sandbox's sockets, its log switched off."""
    shared = {
        "api_key": key, "api_secret": secret, "base_url_http": f"http://{host}",
        "product_types": [BybitProductType.LINEAR],
        "instrument_provider": InstrumentProviderConfig(load_ids=frozenset([INSTRUMENT])),
    }  # fmt: skip
    orders = {"base_url_ws_private": f"ws://{host}/v5/private", "base_url_ws_trade": f"ws://{host}/v5/trade"}
    found = TradingNode(
        TradingNodeConfig(
            trader_id=TraderId("BENCH-001"),
            logging=LoggingConfig(log_level="ERROR"),
            exec_engine=LiveExecEngineConfig(reconciliation=False),
            data_clients={"BYBIT": BybitDataClientConfig(**shared)},
            exec_clients={"BYBIT": BybitExecClientConfig(**shared, **orders, use_ws_trade_api=True)},
        )
    )
    found.trader.add_strategy(Follower())
    found.add_data_client_factory("BYBIT", factories.BybitLiveDataClientFactory)
    found.add_exec_client_factory("BYBIT", factories.BybitLiveExecClientFactory)
    found.build()
    return found


running = node()
try:
    running.run()
finally:
    stamps.save(stamps_file)
    running.dispose()
