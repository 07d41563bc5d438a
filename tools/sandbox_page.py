"""The page of what the sandbox exchange serves: every path with its right and pace, every topic, every fault."""

from collections.abc import Mapping

from quintet.sandbox.bybit_v5.routes import ROUTES, SOCKET_OPS, Route
from quintet.sandbox.bybit_v5.streams import private_topics
from quintet.sandbox.bybit_v5.topics import DEPTHS

PUBLIC_TOPICS: Mapping[str, str] = {
    "orderbook.{depth}.{symbol}": "snapshot, then deltas; " + ", ".join(
        f"{depth} levels every {seconds * 1000:.0f} ms" for depth, seconds in DEPTHS.items()
    ) + "; depth 1 has snapshots only, said again after 3 s",
    "publicTrade.{symbol}": "every trade",
    "tickers.{symbol}": "spot whole every 50 ms, contracts snapshot and deltas every 100 ms",
    "kline.{interval}.{symbol}": "the running candle every second, the closed one once with `confirm`",
    "allLiquidation.{symbol}": "every liquidation",
    "priceLimit.{symbol}": "the price limits, when they move",
    "adlAlert.{coin}, insurance.{coin}": "every second",
    "system.status": "on `/v5/public/misc/status`; nothing is ever announced",
}  # fmt: skip
RIGHTS: Mapping[str, str] = {
    "": "anybody",
    "read": "any key",
    "trade": "trade",
    "position": "position",
    "transfer": "account transfer",
    "master": "sub-member transfer",
    "earn": "earn",
}


def page() -> str:
    """Everything after the line that says where the page comes from."""
    lines = [
        "# What the sandbox serves",
        "",
        "Bybit V5 as far as it is served by [an exchange of one's own](guides/sandbox.md). What is not listed answers",
        "10017. A pace is requests a second and account (linear / spot where they differ); a batch spends one for each",
        "order.",
        "",
    ]
    for method, routes in ROUTES.items():
        lines += [f"## {method}", "", "| path under /v5/ | who may | pace |", "|---|---|---|"]
        lines += [f"| `{path}` | {RIGHTS[route.right]} | {_pace(route)} |" for path, route in sorted(routes.items())]
        lines.append("")
    lines += ["## Sockets", "", "| public topic | what is said |", "|---|---|"]
    lines += [f"| `{topic}` | {said} |" for topic, said in PUBLIC_TOPICS.items()]
    private = ", ".join(f"`{topic}`" for topic in sorted(private_topics()) if topic.count(".") == 0 or "dcp" in topic)
    lines += [
        "",
        f"Private topics: {private}, `execution.fast`; all but `wallet`, `greeks` and `dcp.*` also for one product",
        "(`order.linear`).",
        "",
        "Order entry on `/v5/trade`: " + ", ".join(f"`{op}`" for op in SOCKET_OPS) + ", out of the same paces as REST.",
    ]
    return "\n".join(lines) + "\n"


def _pace(route: Route) -> str:
    if not route.right:
        return ""
    text = f"{route.linear}" if route.linear == route.spot else f"{route.linear} / {route.spot}"
    return text if route.window_ms == 1000 else f"{text} a minute"
