"""The exchange's own account of everything, from its first order on, for a checker that believes nobody else.

It is written in pieces: what memory holds is taken at once, what the archive holds follows record by record, so that a
long history needs no more memory than a short one.
"""

from collections.abc import Iterable, Iterator

import msgspec

from quintet.sandbox.archive import Archive
from quintet.sandbox.service import Service

PIECE_RECORDS = 200


def history_pieces(service: Service) -> Iterator[bytes]:
    """One JSON object: now_ms, orders (finished ones that left memory first), accounts with what happened to them."""
    state, archive = service.state, service.archive
    gone = {uid: dict(account.archived) for uid, account in state.accounts.items()}
    orders = list(map(msgspec.json.encode, state.orders.values()))
    accounts = [
        (
            msgspec.json.encode(
                {
                    "uid": account.uid,
                    "name": account.name,
                    "coins": account.coins,
                    "locked": account.locked,
                    "positions": [found for key in account.positions for found in account.positions_of(key)],
                }
            )[:-1],
            account.uid,
            [msgspec.json.encode(found) for found in account.executions],
            [msgspec.json.encode(found) for found in account.log],
        )
        for account in state.accounts.values()
    ]
    series = [
        (uid, name, count) for uid, counts in gone.items() for name, count in counts.items() if name.startswith("order")
    ]
    yield b'{"now_ms":%d,"orders":[' % state.now_ms
    yield from _joined(_with_past(archive, series, orders))
    yield b'],"accounts":['
    for number, (head, uid, executions, log) in enumerate(accounts):
        yield (b"," if number else b"") + head + b',"executions":['
        past = [(uid, "executions", gone[uid].get("executions", 0))]
        yield from _joined(_with_past(archive, past, executions))
        yield b'],"log":['
        yield from _joined(_with_past(archive, [(uid, "log", gone[uid].get("log", 0))], log))
        yield b"]}"
    yield b"]}"


def _with_past(archive: Archive, series: Iterable[tuple[int, str, int]], recent: list[bytes]) -> Iterator[bytes]:
    for uid, name, count in series:
        for record in archive.oldest_first(uid, name, count) if count else ():
            yield msgspec.json.encode(record)
    yield from recent


def _joined(records: Iterator[bytes]) -> Iterator[bytes]:
    """Records with commas between them, some hundred at a time."""
    piece: list[bytes] = []
    begun = b""
    for record in records:
        piece.append(record)
        if len(piece) == PIECE_RECORDS:
            yield begun + b",".join(piece)
            piece, begun = [], b","
    if piece:
        yield begun + b",".join(piece)
