"""The hot paths measured against their peers, results compared before speed is spoken of. No product code lives here.

    make bench                          with the peers that are found; without them, against recorded results
    python -m benchmarks --peers        fetch the peers first, each into an environment of its own

What is compared is CPU seconds of the process, ours and the peer's in turn within the same minutes: on a shared machine
wall time says who else was working. Ratios travel from machine to machine, absolute numbers do not.
"""
