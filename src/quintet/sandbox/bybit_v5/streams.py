"""The sockets of the protocol: who listens to what, and what of the exchange's news each of them hears.

Frames of one connection keep their order. Between topics there is none to rely on, as at the venue.
"""

import asyncio
import itertools
from collections.abc import Sequence
from typing import Any

import msgspec

from quintet.sandbox.bybit_v5 import shapes
from quintet.sandbox.bybit_v5.access import authorized_key, check_timestamp
from quintet.sandbox.bybit_v5.pacing import Pacing
from quintet.sandbox.bybit_v5.params import Params, json_fields
from quintet.sandbox.bybit_v5.routes import ROUTES, SOCKET_OPS, answer
from quintet.sandbox.bybit_v5.topics import (
    REPEAT_TOP_S,
    STATUS_TOPIC,
    BookTopic,
    CandleTopic,
    CoinTopic,
    Topic,
    json_text,
    topic_of,
    trade_frames,
)
from quintet.sandbox.commands import CancelAll
from quintet.sandbox.happenings import (
    BookChanged,
    Executed,
    Happening,
    Liquidated,
    OrderChanged,
    PositionChanged,
    PriceChanged,
    Printed,
    WalletChanged,
)
from quintet.sandbox.keys import ApiKey
from quintet.sandbox.refusal import Refused
from quintet.sandbox.service import Service
from quintet.sandbox.state import CLEARING
from quintet.sandbox.wire import Connection

PRIVATE_TOPICS = ("order", "execution", "execution.fast", "position")
DISCONNECT_TOPICS = {"dcp.future": "linear", "dcp.spot": "spot", "dcp.option": "option"}
SPOT_ARGS_MAX = 10
ARGS_CHARACTERS_MAX = 21_000
ANSWER_AFTER_S = 0.01
"""Answers on the trade socket leave this late, no later than a venue's: some clients register their callback after they
have sent, and a thread of Python may wait 5 ms for its turn."""

SUBSCRIBED_AFTER_S = 0.05
"""A subscription is served this late, for the same reason: a first frame without a callback ends its line."""

ADDRESS_ORDERS_MAX = 3000
"""Requests a second that one address may send on trade sockets."""

REQUESTS_REMEMBERED = 10_000
"""Ids of requests of one connection that may not come again; older ones are forgotten."""

_IDLE_DEFAULT_S = 600.0


def private_topics() -> frozenset[str]:
    """Every name that may be subscribed to on a private connection."""
    products = ("spot", "linear", "inverse", "option")
    parts = (f"{topic}.{product}" for topic in PRIVATE_TOPICS for product in products)
    return frozenset(["wallet", "greeks", *DISCONNECT_TOPICS, *PRIVATE_TOPICS, *parts])


class Session:
    """One connection and what it has asked for."""

    def __init__(self, connection: Connection, kind: str, category: str, idle_s: float) -> None:
        self.connection = connection
        self.kind = kind
        self.category = category
        self.idle_s = idle_s
        self.key: ApiKey | None = None
        self.topics: dict[str, None] = {}
        self.requests: dict[str, None] = {}


class Streams:
    """All sessions of an exchange; told of every happening by the service."""

    def __init__(self, service: Service, pacing: Pacing) -> None:
        self.service = service
        self.pacing = pacing
        self.sessions: dict[str, Session] = {}
        self._topics: dict[tuple[str, str], Topic] = {}
        self._pending: dict[tuple[str, str], asyncio.TimerHandle] = {}
        self._windows: dict[tuple[int, str], asyncio.TimerHandle] = {}
        self._numbers = itertools.count(1)
        self._private = private_topics()
        service.listeners.append(self.hear)

    @property
    def topic_count(self) -> int:
        """Public topics that somebody listens to."""
        return len(self._topics)

    # ---- news ----

    def hear(self, happened: list[Happening]) -> None:
        """Turn what happened into frames for those who listen."""
        private: dict[tuple[int, str], list[dict[str, Any]]] = {}
        wallets: dict[int, None] = {}
        positions: dict[tuple[int, str, int], None] = {}
        trades: dict[str, list[Any]] = {}
        dirty: dict[str, None] = {}
        markets = self.service.state.markets
        for news in happened:
            if isinstance(news, OrderChanged):
                if not self._is_wanted(news.order.uid, "order"):
                    continue
                row = shapes.order_row(markets[news.order.key], news.order, stream=True)
                private.setdefault((news.order.uid, "order"), []).append(row)
            elif isinstance(news, Executed):
                execution = news.execution
                if not self._is_wanted(execution.uid, "execution"):
                    continue
                row = shapes.execution_row(markets[execution.key], execution, stream=True)
                private.setdefault((execution.uid, "execution"), []).append(row)
                if execution.kind == "Trade":
                    fast = shapes.fast_execution_row(markets[execution.key], execution)
                    private.setdefault((execution.uid, "execution.fast"), []).append(fast)
            elif isinstance(news, WalletChanged):
                wallets[news.uid] = None
            elif isinstance(news, PositionChanged):
                positions[news.uid, news.key, news.index] = None
            elif isinstance(news, Printed):
                trades.setdefault(news.key, []).append(news.trade)
                dirty[news.key] = None
            elif isinstance(news, (BookChanged, PriceChanged)):
                dirty[news.key] = None
            else:
                self._tell_liquidation(news)
        for (uid, topic), rows in private.items():
            self._tell_private(uid, topic, rows)
        for uid, key, index in positions:
            self._tell_position(uid, key, index)
        for uid in wallets:
            self._tell_wallet(uid)
        for key, printed in trades.items():
            self._tell_trades(key, printed)
        for key in dirty:
            self._schedule(key)

    def _listeners(self, uid: int) -> list[Session]:
        if uid <= CLEARING:
            return []
        return [found for found in self.sessions.values() if found.key is not None and found.key.uid == uid]

    def _is_wanted(self, uid: int, topic: str) -> bool:
        """Does somebody of the account listen to that topic, or to a part of it?"""
        return any(name.startswith(topic) for session in self._listeners(uid) for name in session.topics)

    def _tell_private(self, uid: int, topic: str, rows: list[dict[str, Any]]) -> None:
        for session in self._listeners(uid):
            for name in session.topics:
                wanted = rows if name == topic else [row for row in rows if name == f"{topic}.{row['category']}"]
                if wanted and (name == topic or name.startswith(f"{topic}.")):
                    session.connection.send(self._private_frame(name, wanted), name)

    def _private_frame(self, topic: str, rows: list[dict[str, Any]]) -> str:
        frame: dict[str, Any] = {
            "topic": topic,
            "creationTime": self.service.clock.said_ms(),
            "data": rows,
        }
        if not topic.startswith("execution.fast"):
            frame = {"id": f"{self.service.state.seq}-{next(self._numbers)}"} | frame
        return json_text(frame)

    def _tell_position(self, uid: int, key: str, index: int) -> None:
        if self._is_wanted(uid, "position"):
            account = self.service.state.accounts[uid]
            position = self.service.venue.seen_position(uid, key, index)
            row = shapes.position_row(self.service.venue, account, position, stream=True)
            self._tell_private(uid, "position", [row])

    def _tell_wallet(self, uid: int) -> None:
        if self._is_wanted(uid, "wallet"):
            row = shapes.wallet_row(self.service.venue, self.service.state.accounts[uid], [])
            for session in self._listeners(uid):
                if "wallet" in session.topics:
                    session.connection.send(self._private_frame("wallet", [row]), "wallet")

    def _tell_trades(self, key: str, trades: list[Any]) -> None:
        category, _, symbol = key.partition(":")
        topic = self._topics.get((category, f"publicTrade.{symbol}"))
        if topic is not None:
            self._send_all(topic, trade_frames(topic, trades))

    def _tell_liquidation(self, news: Liquidated) -> None:
        category, _, symbol = news.key.partition(":")
        topic = self._topics.get((category, f"allLiquidation.{symbol}"))
        if topic is not None:
            instrument = topic.market.instrument
            row = {
                "T": news.ms,
                "s": symbol,
                "S": shapes.SIDE[news.sign],
                "v": instrument.lots_text(news.lots),
                "p": instrument.price_text(news.price),
            }
            self._send_all(topic, [topic.frame("snapshot", [row])])

    def _schedule(self, key: str) -> None:
        """Topics of an instrument that has changed look at it once their time has come."""
        for name, topic in self._topics.items():
            if topic.key == key and name not in self._pending:
                loop = asyncio.get_running_loop()
                self._pending[name] = loop.call_later(topic.every_s, self._flush, name)

    def _flush(self, name: tuple[str, str]) -> None:
        self._pending.pop(name, None)
        topic = self._topics.get(name)
        if topic is not None:
            self._send_all(topic, topic.changes())

    def _send_all(self, topic: Topic, frames: list[str]) -> None:
        category = topic.market.instrument.category
        for session in self.sessions.values():
            if session.kind == "public" and session.category == category and topic.name in session.topics:
                for frame in frames:
                    session.connection.send(frame, topic.name)

    async def repeat(self) -> None:
        """What is due without a change: the top of the book every three seconds, candles, silent connections."""
        loop = asyncio.get_running_loop()
        repeated: dict[tuple[str, str], tuple[int, float]] = {}
        even = False
        while True:
            await asyncio.sleep(0.5)
            even = not even
            for name, topic in list(self._topics.items()):
                if isinstance(topic, CoinTopic):
                    if even:
                        self._send_all(topic, topic.first())
                elif isinstance(topic, CandleTopic):
                    self._schedule(topic.key)
                elif isinstance(topic, BookTopic) and topic.depth == 1:
                    update, since_s = repeated.get(name, (0, 0.0))
                    if update != topic.update:
                        repeated[name] = topic.update, loop.time()
                    elif loop.time() - since_s >= REPEAT_TOP_S:
                        self._send_all(topic, topic.first())
                        repeated[name] = topic.update, loop.time()
            for session in list(self.sessions.values()):
                if loop.time() - session.connection.busy_s > session.idle_s:
                    await session.connection.close(1000, "idle")

    # ---- sessions ----

    async def run(self, connection: Connection, kind: str, category: str, idle_s: float = _IDLE_DEFAULT_S) -> None:
        """Serve a connection until it ends."""
        session = self.sessions[connection.name] = Session(connection, kind, category, idle_s)
        try:
            while (text := await connection.receive()) is not None:
                if not await self._serve(session, text):
                    await connection.close(1008, "policy")
                    return
                await asyncio.sleep(0)  # what has arrived is read without waiting: others have their turn between
        finally:
            self.sessions.pop(connection.name, None)
            for topic in session.topics:
                self._forget(session, topic)
            await connection.end()

    async def _serve(self, session: Session, text: str) -> bool:
        """Answer one frame; False ends the connection."""
        try:
            fields = json_fields(text.encode())
            as_sent = msgspec.json.decode(text)
        except (ValueError, msgspec.DecodeError):
            session.connection.send(self._control(session, "", {}, False, "Params Error"))
            return True
        fields |= {
            name: as_sent[name] for name in ("req_id", "reqId") if name in as_sent
        }  # any scalar, given back as it came
        op = str(fields.get("op", ""))
        if op == "ping":
            session.connection.send(self._pong(session, fields))
            return True
        if op == "auth" and session.kind != "public":
            return self._authorize(session, fields)
        if session.kind == "trade":
            self._trade(session, op, text, fields)
            return True
        if op in ("subscribe", "unsubscribe"):
            await asyncio.sleep(SUBSCRIBED_AFTER_S)
            self._subscribe(session, op, fields, text)
        else:
            session.connection.send(self._control(session, op, fields, False, f"Params Error: unknown op {op}"))
        return True

    def _control(self, session: Session, op: str, fields: dict[str, Any], success: bool, message: str) -> str:
        frame = {"success": success, "ret_msg": message, "conn_id": session.connection.name, "op": op or "error"}
        if "req_id" in fields:
            frame["req_id"] = fields["req_id"]
        return json_text(frame)

    def _pong(self, session: Session, fields: dict[str, Any]) -> str:
        now, name = str(self.service.clock.said_ms()), session.connection.name
        request = fields.get("req_id", "")
        if session.kind == "public":
            return json_text({"success": True, "ret_msg": "pong", "conn_id": name, "req_id": request, "op": "ping"})
        if session.kind == "private":
            return json_text({"req_id": request, "op": "pong", "args": [now], "conn_id": name})
        frame = {"retCode": 0, "retMsg": "OK", "op": "pong", "data": [now], "connId": name}
        return json_text(frame | ({"reqId": fields["reqId"]} if "reqId" in fields else {}))

    def _authorize(self, session: Session, fields: dict[str, Any]) -> bool:
        args = fields.get("args")
        code, message = 0, "OK"
        try:
            if session.key is not None:
                raise Refused(20001, "Repeat auth")
            given = args if isinstance(args, list) else []
            session.key = authorized_key(self.service.keys, self.service.clock, given, session.connection.address)
        except Refused as refused:
            code, message = refused.refusal.code, refused.refusal.message
        if session.kind == "trade":
            frame = {"retCode": code, "retMsg": message, "op": "auth", "connId": session.connection.name}
            if "reqId" in fields:
                frame["reqId"] = fields["reqId"]
            session.connection.send(json_text(frame))
        else:
            session.connection.send(self._control(session, "auth", fields, not code, message if code else ""))
        return session.key is not None

    # ---- subscriptions ----

    def _subscribe(self, session: Session, op: str, fields: dict[str, Any], text: str) -> None:
        args = fields.get("args")
        names = [str(name) for name in args] if isinstance(args, list) else []
        refusal = self._refusal(session, names)
        if refusal:
            session.connection.send(self._control(session, op, fields, False, refusal))
            return
        added = [name for name in names if name not in session.topics]
        made = {name: self._topic(session, name) for name in added} if op == "subscribe" else {}
        message = op if session.kind == "public" else ""
        session.connection.send(self._control(session, op, fields, True, message))
        if op == "unsubscribe":
            for name in names:
                if name in session.topics:
                    del session.topics[name]
                    self._forget(session, name)
            return
        for name, topic in made.items():
            session.topics[name] = None
            for frame in topic.first() if topic is not None else []:
                session.connection.send(frame, name)
            self._watch_disconnect(session, name)

    def _refusal(self, session: Session, names: list[str]) -> str:
        """Why a list of topics is not accepted; "" when it is."""
        if not names:
            return "Params Error: args is missing"
        if session.kind == "private":
            if session.key is None:
                return "Request not authorized"
            unknown = [name for name in names if name not in self._private]
            groups = {name.rpartition(".")[0] for name in names if name.count(".") and name not in DISCONNECT_TOPICS}
            if any(group in names for group in groups if group and group != "execution"):
                return "Params Error: all-in-one and categorised topics in one request"
        else:
            if session.category == "spot" and len(names) > SPOT_ARGS_MAX:
                return f"args size >{SPOT_ARGS_MAX}"
            if sum(map(len, [*session.topics, *names])) > ARGS_CHARACTERS_MAX:
                return "Params Error: args are too long"
            if session.category == "status":
                return "" if names == [STATUS_TOPIC] else f"error:handler not found,topic:{names[0]}"
            unknown = [name for name in names if topic_of(self.service, session.category, name) is None]
        return f"error:handler not found,topic:{unknown[0]}" if unknown else ""

    def _topic(self, session: Session, name: str) -> Topic | None:
        """The topic that all subscribers of a name share; its pending changes go out before somebody joins."""
        if session.kind != "public" or session.category == "status":
            return None
        place = (session.category, name)
        found = self._topics.get(place)
        if found is None:
            made = topic_of(self.service, session.category, name)
            if made is not None:
                self._topics[place] = made
            return made
        self._send_all(found, found.changes())
        return found

    def _forget(self, session: Session, name: str) -> None:
        """Nobody listens any more, or a connection that was watched is gone."""
        if session.kind == "public":
            others = (found for found in self.sessions.values() if found.category == session.category)
            if not any(name in found.topics for found in others if found is not session):
                self._topics.pop((session.category, name), None)
        elif name in DISCONNECT_TOPICS and session.key is not None:
            self._begin_window(session.key.uid, DISCONNECT_TOPICS[name], name)

    # ---- cancel on disconnect ----

    def _watch_disconnect(self, session: Session, name: str) -> None:
        if name in DISCONNECT_TOPICS and session.key is not None:
            timer = self._windows.pop((session.key.uid, DISCONNECT_TOPICS[name]), None)
            if timer is not None:
                timer.cancel()

    def _begin_window(self, uid: int, product: str, name: str) -> None:
        window_s = self.service.state.accounts[uid].disconnect_windows.get(product)
        watching = any(name in found.topics for found in self._listeners(uid))
        if window_s is None or watching or (uid, product) in self._windows:
            return
        loop = asyncio.get_running_loop()
        self._windows[uid, product] = loop.call_later(window_s, self._cancel_product, uid, product)

    def _cancel_product(self, uid: int, product: str) -> None:
        """Everything of the product goes, resting stops too."""
        self._windows.pop((uid, product), None)
        coins = {market.instrument.quote for market in self.service.state.markets.values()}
        for coin in sorted(coins):
            self.service.do(CancelAll(uid=uid, category=product, settle=coin, order_filter="All", reason="CancelByDCP"))

    # ---- order entry ----

    def _trade(self, session: Session, op: str, text: str, fields: dict[str, Any]) -> None:
        """One request on the trade socket; faults strike it as they do over REST."""
        struck = session.connection.struck(f"/v5/{SOCKET_OPS.get(op, op)}")
        faults = [fault.kind for fault in struck]
        if "lose_request" in faults:
            return
        late_s = sum(fault.delay_ms for fault in struck if fault.kind == "slow_request") / 1000
        if late_s:
            asyncio.get_running_loop().call_later(late_s, self._carry_out, session, op, fields, faults)
        else:
            self._carry_out(session, op, fields, faults)

    def _carry_out(self, session: Session, op: str, fields: dict[str, Any], faults: Sequence[str]) -> None:
        frame = self._trade_answer(session, op, fields)
        if "repeat_request" in faults:
            frame = self._trade_answer(session, op, {name: value for name, value in fields.items() if name != "reqId"})
            if "reqId" in fields:
                frame["reqId"] = fields["reqId"]
        if "lose_answer" in faults:
            return
        loop = asyncio.get_running_loop()
        loop.call_later(ANSWER_AFTER_S, session.connection.send, json_text(frame), op)

    def _trade_answer(self, session: Session, op: str, fields: dict[str, Any]) -> dict[str, Any]:
        frame: dict[str, Any] = {}
        if "reqId" in fields:
            frame["reqId"] = fields["reqId"]
        headers = {
            "Traceid": f"{next(self._numbers):032x}",
            "Timenow": str(self.service.clock.said_ms()),
        }
        try:
            params = self._trade_params(session, op, fields)
        except Refused as refused:
            code, message, data, extra = refused.refusal.code, refused.refusal.message, {}, {}
        else:
            path = SOCKET_OPS[op]
            reply = answer(self.service, self.pacing, path, ROUTES["POST"][path], params, session.key)
            code, message, data, extra = reply.code, reply.message, reply.result, reply.extra
            headers |= reply.headers
        return frame | {
            "retCode": code,
            "retMsg": message,
            "op": op,
            "data": data,
            "retExtInfo": extra,
            "header": headers,
            "connId": session.connection.name,
        }

    def _trade_params(self, session: Session, op: str, fields: dict[str, Any]) -> Params:
        if op not in SOCKET_OPS:
            raise Refused(10404, f"op is not found: {op}")
        if session.key is None:
            raise Refused(10004, "Request not authorized")
        request = str(fields.get("reqId", ""))
        if request:
            if len(request) > 36:
                raise Refused(10001, "params error: reqId is longer than 36")
            if request in session.requests:
                raise Refused(20006, "reqId duplicated")
            session.requests[request] = None
            if len(session.requests) > REQUESTS_REMEMBERED:
                del session.requests[next(iter(session.requests))]
        header = fields.get("header")
        given = {str(name).upper(): str(value) for name, value in header.items()} if isinstance(header, dict) else {}
        sent, window = given.get("X-BAPI-TIMESTAMP", ""), given.get("X-BAPI-RECV-WINDOW", "") or "5000"
        check_timestamp(self.service.clock, sent, window)
        args = fields.get("args")
        if not isinstance(args, list) or len(args) != 1 or not isinstance(args[0], dict):
            raise Refused(10001, "params error: args must have exactly one element")
        rate = self.pacing.rate(ADDRESS_ORDERS_MAX, 1000, "orders of an address", session.connection.address)
        if not rate.spend(self.service.clock.wall_ms(), 1):
            raise Refused(10403, "Exceed IP rate limit.")
        params = Params(args[0])
        if params.text("category") not in ("spot", "linear", "inverse", "option"):
            raise Refused(10404, "category is not correct")
        return params
