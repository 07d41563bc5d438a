"""Trials of our own systems that were made before there was a ledger; every ledger begins with them.

They are what the reading of the specification states of itself, in its own counts. What was not recorded one by one
is entered as a number, on no market in particular, and so counts against its system on every market.
"""

from typing import Final

from quintet.storage.trial_records import EarlierTrials

EARLIER_TRIALS: Final = (
    EarlierTrials(
        system="structure_mm",
        count=122,
        text="evaluations of the proposed rules over markets, fees, fill rules and timeframes; one parameter set",
    ),
    EarlierTrials(
        system="structure_mm",
        count=1,
        text="an earlier wording of three sentences, corrected for meaning after a first look; how many of the 122 "
        "evaluations were made with it is not stated, so it is entered as one more",
    ),
    EarlierTrials(
        system="structure_mm",
        count=80,
        text="the same grid armed at random times, to ask whether the break of structure helps",
    ),
    EarlierTrials(
        system="structure_mm",
        count=9,
        text="variants of the structure (pivot 2, 3, 5 with swing 2, 3, 4 ATR), looked at without profit and loss; "
        "looked at twice, and a repeat counts once",
    ),
)
