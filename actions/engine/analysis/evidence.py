"""How strongly counts speak against a build: a likelihood ratio that stays honest however often it is looked at."""

from __future__ import annotations

import math
from collections.abc import Sequence

_LARGEST = 700.0
"""exp of more than this is no float."""


def e_value(faults: int, requests: int, allowed: float, alternatives: Sequence[float]) -> float:
    """The mixture likelihood ratio of "a share above `allowed`" against "exactly `allowed`".

    E = mean over p in `alternatives` of (p / allowed)^s * ((1 - p) / (1 - allowed))^(n - s)

    with s = `faults` of n = `requests`. For independent faults with a share of at most `allowed`, E is a
    non-negative supermartingale that begins at 1 (each ratio's expectation is 1 at `allowed` and, rising in s, less
    below it), so by Ville's inequality it ever reaches x with probability 1/x at most, whenever and however often one
    looks. It depends on the counts alone: how they were cut into ticks changes nothing. An alternative below `allowed`
    counts as `allowed`, so more faults never lower E.

    Sources: Wald, Sequential Analysis, 1947 (the ratio); Robbins, Ann. Math. Stat. 41:1397, 1970 (the mixture);
    Lindon and Malek, arXiv 2011.03567 and Lindon et al., arXiv 2205.14762 (such tests for canaries).
    """
    total = 0.0
    for p in alternatives:
        p = max(p, allowed)
        if p < 1:
            log = faults * math.log(p / allowed) + (requests - faults) * math.log((1 - p) / (1 - allowed))
        elif faults < requests:
            continue
        else:
            log = -faults * math.log(allowed)
        total += math.exp(min(log, _LARGEST))
    return total / len(alternatives)


def pooled(whole: float, stages: Sequence[float], planned: int) -> float:
    """One E of the E over all stages and those of each stage begun; those not begun yet count as 1.

    E = (whole + mean of the stages) / 2: an average, with weights fixed beforehand, of e-values is one (Vovk and
    Wang, Ann. Stat. 49:1736, 2021). The first half adds up small evidence; the second finds at once a build that
    goes wrong only in a late stage, which all the good requests before it would hide.
    """
    rest = max(planned, len(stages))
    return (whole + (sum(stages) + rest - len(stages)) / rest) / 2
