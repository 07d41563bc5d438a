"""What goes around every answer, over REST and on the trade socket."""

from typing import Any

import msgspec

from quintet.sandbox.commands import Placed
from quintet.sandbox.exchange import Answer
from quintet.sandbox.refusal import Refusal, Refused


class Reply(msgspec.Struct):
    """An answer before it is written: the venue's number and sentence, a result, and what batches add."""

    code: int = 0
    message: str = "OK"
    result: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    headers: dict[str, str] = {}
    status: int = 200

    def rest(self, now_ms: int) -> bytes:
        """The REST envelope; the result is an object whatever happened."""
        return msgspec.json.encode(
            {
                "retCode": self.code,
                "retMsg": self.message,
                "result": self.result,
                "retExtInfo": self.extra,
                "time": now_ms,
            }
        )


def refused(refusal: Refusal) -> Reply:
    """The answer to what was refused."""
    return Reply(refusal.code, refusal.message)


def placed(answer: Answer) -> dict[str, str]:
    """The two names of an order; a refusal is raised."""
    granted(answer)
    assert isinstance(answer, Placed)
    return {"orderId": answer.order_id, "orderLinkId": answer.link_id}


def granted(answer: Answer) -> None:
    """Raise when the exchange has refused."""
    if isinstance(answer, Refusal):
        raise Refused(answer.code, answer.message)
