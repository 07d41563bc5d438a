"""Dice with a seed: the same numbers with the JIT on or off, on any machine, under any version of NumPy.

The generator is xoshiro128++ (Blackman and Vigna, "Scrambled linear pseudorandom number generators", ACM TOMS
2021): four words of 32 bits, period 2**128 - 1, made of add, exclusive-or, shift and rotate. Each word lives in an
`i8` and every intermediate stays below 2**40, so nothing wraps, warns or widens, compiled or interpreted; that is
why it is this one and not a generator of 64-bit words. The distributions are built on `core.kernel`'s `log`
and on `+ - * /` and square roots.

Nothing here finds a seed by itself: whoever wants dice names a seed and a stream.
"""

import hashlib
import math
from typing import Any, Final

import numpy as np

from quintet.core.errors import DefinitionError
from quintet.core.kernel import kernel, log
from quintet.core.records import record, table

RANDOM: Final = record(word_0="i8", word_1="i8", word_2="i8", word_3="i8")
"""The state of one generator: four words of 32 bits, not all zero."""

_WORD = 0xFFFFFFFF
_TWO_32 = 4294967296
_TWO_26 = 67108864.0
_INVERSE_TWO_52 = 1.0 / 4503599627370496.0


def seeded(seed: int, stream: str) -> np.recarray[Any, Any]:
    """A table of one RANDOM record; equal arguments give equal dice, other streams independent ones.

    The four words are the first 128 bits of SHA-256 over the two, so neighbouring seeds have nothing in common.
    Raises DefinitionError for an empty stream name.
    """
    if not stream:
        raise DefinitionError("dice need the name of their stream, found an empty one")
    digest = hashlib.sha256(f"{stream}\n{int(seed)}".encode()).digest()
    words = [int.from_bytes(digest[n : n + 4], "little") for n in (0, 4, 8, 12)]
    # All zero is the one state it never leaves; one seed in 2**128 would fall on it.
    words[0] |= int(not any(words))
    random = table(RANDOM, 1)
    random[0] = tuple(words)
    return random


@kernel
def next_word(random: Any) -> int:
    """The next 32 bits of a RANDOM record, as an integer from 0 to 2**32 - 1."""
    first, second, third, fourth = random.word_0, random.word_1, random.word_2, random.word_3
    total = (first + fourth) & _WORD
    result = ((((total << 7) | (total >> 25)) & _WORD) + first) & _WORD
    third = third ^ first
    fourth = fourth ^ second
    random.word_1 = second ^ third
    random.word_0 = first ^ fourth
    random.word_2 = third ^ ((second << 9) & _WORD)
    random.word_3 = ((fourth << 11) | (fourth >> 21)) & _WORD
    return int(result)


@kernel
def uniform(random: Any) -> float:
    """A number strictly between 0 and 1: the middle of one of 2**52 equal cells (of 2**53, the last would be 1)."""
    high = next_word(random) >> 6
    low = next_word(random) >> 6
    return (high * _TWO_26 + low + 0.5) * _INVERSE_TWO_52


@kernel
def below(random: Any, count: int) -> int:
    """A whole number from 0 to count - 1, each equally likely; 0 < count <= 2**32."""
    # The topmost incomplete block of `count` numbers would favour the small ones, so it is drawn again.
    limit = _TWO_32 - _TWO_32 % count
    word = next_word(random)
    while word >= limit:
        word = next_word(random)
    return word % count


@kernel
def normal(random: Any) -> float:
    """A standard normal number: mean 0, variance 1; one `uniform` each."""
    return normal_quantile(uniform(random))


@kernel
def exponential(random: Any) -> float:
    """A waiting time of mean 1, above 0: the gap between two events of a Poisson process."""
    return -log(uniform(random))


@kernel
def heavy_scale(random: Any, half_degrees: int) -> float:
    """The factor that turns a standard normal number into a Student-t one of the same variance.

    The t distribution has `2 * half_degrees` degrees of freedom (at least 4, so half_degrees >= 2): a sum of that many
    squared normals is twice a sum of `half_degrees` exponentials.
    """
    total = 0.0
    for _ in range(half_degrees):
        total = total + exponential(random)
    return math.sqrt((half_degrees - 1.0) / total)


@kernel
def normal_quantile(probability: float) -> float:
    """The standard normal number below which `probability` lies, 0 < probability < 1; relative error about 1e-16.

    Wichura, "Algorithm AS 241: the percentage points of the normal distribution", Applied Statistics 1988 (PPND16).
    """
    centred = probability - 0.5
    if -0.425 <= centred <= 0.425:
        return _central_quantile(centred)
    tail = probability if centred < 0.0 else 1.0 - probability
    distance = _tail_quantile(math.sqrt(-log(tail)))
    return -distance if centred < 0.0 else distance


@kernel
def _central_quantile(centred: float) -> float:
    """The quantile for |probability - 0.5| <= 0.425, given that difference."""
    r = 0.180625 - centred * centred
    above = 2509.0809287301226727
    above = above * r + 33430.575583588128105
    above = above * r + 67265.770927008700853
    above = above * r + 45921.953931549871457
    above = above * r + 13731.693765509461125
    above = above * r + 1971.5909503065514427
    above = above * r + 133.14166789178437745
    above = above * r + 3.387132872796366608
    under = 5226.495278852854561
    under = under * r + 28729.085735721942674
    under = under * r + 39307.89580009271061
    under = under * r + 21213.794301586595867
    under = under * r + 5394.1960214247511077
    under = under * r + 687.1870074920579083
    under = under * r + 42.313330701600911252
    under = under * r + 1.0
    return centred * above / under


@kernel
def _tail_quantile(depth: float) -> float:
    """The distance from 0 of a tail probability p < 0.075, given sqrt(-log(p))."""
    if depth <= 5.0:
        r = depth - 1.6
        above = 7.7454501427834140764e-4
        above = above * r + 0.0227238449892691845833
        above = above * r + 0.24178072517745061177
        above = above * r + 1.27045825245236838258
        above = above * r + 3.64784832476320460504
        above = above * r + 5.7694972214606914055
        above = above * r + 4.6303378461565452959
        above = above * r + 1.42343711074968357734
        under = 1.05075007164441684324e-9
        under = under * r + 5.475938084995344946e-4
        under = under * r + 0.0151986665636164571966
        under = under * r + 0.14810397642748007459
        under = under * r + 0.68976733498510000455
        under = under * r + 1.6763848301838038494
        under = under * r + 2.05319162663775882187
        under = under * r + 1.0
        return above / under
    r = depth - 5.0
    above = 2.01033439929228813265e-7
    above = above * r + 2.71155556874348757815e-5
    above = above * r + 0.0012426609473880784386
    above = above * r + 0.026532189526576123093
    above = above * r + 0.29656057182850489123
    above = above * r + 1.7848265399172913358
    above = above * r + 5.4637849111641143699
    above = above * r + 6.6579046435011037772
    under = 2.04426310338993978564e-15
    under = under * r + 1.4215117583164458887e-7
    under = under * r + 1.8463183175100546818e-5
    under = under * r + 7.868691311456132591e-4
    under = under * r + 0.0148753612908506148525
    under = under * r + 0.13692988092273580531
    under = under * r + 0.59983220655588793769
    under = under * r + 1.0
    return above / under
