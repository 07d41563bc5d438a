"""Who asks, and may they: the checks of a private request in the venue's order."""

import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import unquote_plus

from quintet.sandbox.clock import Clock
from quintet.sandbox.keys import ApiKey, KeyRing
from quintet.sandbox.refusal import Refused
from quintet.sandbox.rsa_signature import is_signature, public_key_of

WINDOW_DEFAULT_MS = 5000
FUTURE_MAX_MS = 1000


def signature(secret: str, text: str) -> str:
    """Hex HMAC-SHA256."""
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def is_equal(right: str, sent: str) -> bool:
    """Compare signatures in a time that does not depend on where they differ."""
    return hmac.compare_digest(right.encode(), sent.lower().encode(errors="replace"))


def is_signed(key: ApiKey, text: str, sign: str) -> bool:
    """Is the text signed with the key: by its secret, or by the other half of its public key?"""
    if key.public_key:
        return is_signature(public_key_of(key.public_key), text, sign)
    return is_equal(signature(key.secret, text), sign)


def is_number(text: str) -> bool:
    """Plain decimal digits, few enough for a time."""
    return text.isascii() and text.isdigit() and len(text) < 20


def known_key(keys: KeyRing, name: str, address: str, now_ms: int) -> ApiKey:
    """A key that exists, has not expired and may come from that address."""
    key = keys.keys.get(name)
    if key is None:
        raise Refused(10003, "API key is invalid.")
    if key.expires_ms and now_ms >= key.expires_ms:
        raise Refused(33004, "Your api key has expired.")
    if key.ips and "*" not in key.ips and address not in key.ips:
        raise Refused(10010, f"Unmatched IP, please check your API key's bound IP addresses: {address}")
    return key


def signed_key(keys: KeyRing, clock: Clock, headers: Mapping[str, str], payload: str, address: str) -> ApiKey:
    """The key of a request whose signature is right over the bytes that came; raises Refused.

    A query may have been signed as it was sent or before it was escaped: both are right.
    """
    name, sent, sign = (headers.get(f"X-BAPI-{part}", "") for part in ("API-KEY", "TIMESTAMP", "SIGN"))
    window = headers.get("X-BAPI-RECV-WINDOW", "")
    if not (name and sent and sign):
        raise Refused(10001, "empty value: apiTimestamp, apiKey or apiSignature, openapi sign params error!")
    if name not in keys.keys:
        raise Refused(10003, "API key is invalid.")
    check_timestamp(clock, sent, window or str(WINDOW_DEFAULT_MS))
    key = keys.keys[name]
    texts = {f"{sent}{name}{window}{body}" for body in (payload, unquote_plus(payload), payload.replace("%20", "+"))}
    if not any(is_signed(key, text, sign) for text in texts):
        raise Refused(10004, "error sign! origin_string did not give this signature")
    return known_key(keys, name, address, clock.said_ms())


def check_timestamp(clock: Clock, sent: str, window: str) -> None:
    """Within the window of the venue's time or, where that is another, of the wall's."""
    if not (is_number(sent) and is_number(window)):
        raise Refused(10001, "timestamp or recv_window invalid, openapi sign params error!")
    stamp, width = int(sent), int(window)
    times = clock.times_ms()
    if not any(now - width <= stamp < now + FUTURE_MAX_MS for now in times):
        raise Refused(
            10002,
            "invalid request, please check your server timestamp or recv_window param. "
            f"req_timestamp[{stamp}],server_timestamp[{times[0]}],recv_window[{width}]",
        )


def authorized_key(keys: KeyRing, clock: Clock, args: list[object], address: str) -> ApiKey:
    """The key of a socket's auth: signed over its own expiry, which must lie ahead."""
    if len(args) < 3:
        raise Refused(10001, "Params Error")
    name, expires, sign = (str(arg) for arg in args[:3])
    key = known_key(keys, name, address, clock.said_ms())
    times = clock.times_ms()
    if not is_number(expires) or all(int(expires) <= now for now in times):
        raise Refused(10004, "Your auth has expired")
    if not is_signed(key, f"GET/realtime{expires}", sign):
        raise Refused(10004, "error sign!")
    return key


def check_right(key: ApiKey, right: str, category: str) -> None:
    """May the key do this? `right` is "read", "trade", "position", "transfer", "master" or "earn"."""
    if right == "read":
        return
    if key.read_only:
        raise Refused(10005, "Permission denied, please check your API key permissions.")
    allowed = {
        "trade": key.may("Spot", "SpotTrade")
        if category == "spot"
        else key.may("ContractTrade", "Order") or key.may("Derivatives", "DerivativesTrade"),
        "position": key.may("ContractTrade", "Position") or key.may("Derivatives", "DerivativesTrade"),
        "transfer": key.may("Wallet", "AccountTransfer"),
        "master": key.may("Wallet", "SubMemberTransfer"),
        "earn": key.may("Earn", "Earn"),
    }[right]
    if not allowed:
        raise Refused(10005, "Permission denied, please check your API key permissions.")
