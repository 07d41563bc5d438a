"""RSA signatures over SHA-256 (PKCS #1 v1.5), checked with a public key in PEM: for clients whose key is a key pair.

Source: RFC 8017, section 8.2.2; the key's form: RFC 5280, section 4.1.
"""

import base64
import binascii
import hashlib
import hmac
from typing import NamedTuple

from quintet.core.errors import ConfigError

_SHA256_HEADER = bytes.fromhex("3031300d060960864801650304020105000420")
_SEQUENCE, _INTEGER, _BITS = 0x30, 0x02, 0x03
BITS_MIN = 2048


class PublicKey(NamedTuple):
    """Modulus and exponent."""

    modulus: int
    exponent: int

    @property
    def size(self) -> int:
        """Bytes of a signature."""
        return (self.modulus.bit_length() + 7) // 8


def public_key_of(pem: str) -> PublicKey:
    """A key from its PEM text; raises ConfigError when it is no RSA public key of at least 2048 bits."""
    lines = [line.strip() for line in pem.strip().splitlines()]
    try:
        body = base64.b64decode("".join(line for line in lines if not line.startswith("-----")), validate=True)
        key = _parsed(body)
    except (binascii.Error, IndexError, ValueError):
        raise ConfigError("public key: expected an RSA public key in PEM, found something else") from None
    if key.modulus.bit_length() < BITS_MIN:
        raise ConfigError(f"public key: expected {BITS_MIN} bits or more, found {key.modulus.bit_length()}")
    return key


def _parsed(body: bytes) -> PublicKey:
    outer, _ = _part(body, _SEQUENCE)
    if outer[0] == _SEQUENCE:  # the algorithm, then the key in a bit string
        _, rest = _part(outer, _SEQUENCE)
        bits, _ = _part(rest, _BITS)
        outer, _ = _part(bits[1:], _SEQUENCE)
    modulus, rest = _part(outer, _INTEGER)
    exponent, _ = _part(rest, _INTEGER)
    return PublicKey(int.from_bytes(modulus, "big"), int.from_bytes(exponent, "big"))


def _part(data: bytes, tag: int) -> tuple[bytes, bytes]:
    """The content of the first element of a DER text, and what follows it."""
    if data[0] != tag:
        raise ValueError("another element")
    length, begin = data[1], 2
    if length & 0x80:
        begin += length & 0x7F
        length = int.from_bytes(data[2:begin], "big")
    if len(data) < begin + length:
        raise ValueError("cut short")
    return data[begin : begin + length], data[begin + length :]


def is_signature(key: PublicKey, text: str, signature: str) -> bool:
    """Is it the base64 of the key's signature over the text?"""
    try:
        signed = base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError):
        return False
    number = int.from_bytes(signed, "big")
    if len(signed) != key.size or number >= key.modulus:
        return False
    found = pow(number, key.exponent, key.modulus).to_bytes(key.size, "big")
    tail = _SHA256_HEADER + hashlib.sha256(text.encode()).digest()
    wanted = b"\x00\x01" + b"\xff" * (key.size - len(tail) - 3) + b"\x00" + tail
    return hmac.compare_digest(found, wanted)
