"""How fast it is, as ratios against a peer or a floor in the same run; never a timed test."""
