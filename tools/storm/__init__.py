"""The storm: a desk and an exchange in one process, in a time that passes at once, and everything that can go wrong.

    python -m tools.storm                      the whole storm, about two hours; what is done already is not done again
    python -m tools.storm --seeds 0:20         a shorter one, of these seeds
    python -m tools.storm faults --seeds 7:8   one part, one seed: the same run to the last byte

It lies among the tools, not among the benchmarks: it measures nothing, it says yes or no. The desk in it is the desk of
`quintet trade`, put together by the same lines (`app.trading`) on another machine (`app.machine`); the exchange is the
sandbox, served by its own routes and streams. What happened is judged by `checker`, which reads the exchange's history
and the bytes of the desk tape, and shares no line with the desk.
"""
