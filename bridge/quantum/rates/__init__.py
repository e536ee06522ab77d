"""How many secret bits a run gives: closed forms of the literature, each with its source.

`decoy` and `entangled` bound the length of a finite key, `asymptotic` the rate of an endless one,
`leak` adds a Trojan horse, `acceptance` decides whether a block is kept. They take counts, observed
or expected, so that a simulation and a theory curve pass through the same formulas.
"""
