"""The reference for order books: hftbacktest, in an environment of its own, asked fill by fill.

    python -m benchmarks.oracle                     every set of the published list, on 500,000 rows of W1
    python -m benchmarks.oracle --rows 5000000      on all of them

`grids.py` is the published list; `reference.py` runs under the peer's own Python and is never imported by ours;
`__main__.py` runs both and compares. Equal means: the same fills in the same order, each with its time at the exchange,
its side, its price in ticks and its size in lots; the same submits, cancels and position; money within 1e-9.
"""
