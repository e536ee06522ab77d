"""Whether the link's source of randomness is alive, and how much it is worth (NIST SP 800-90B).

`health` has the two tests that every sample passes through on line; `source` puts them before the
link's secret bytes and stops it for good when one fails. `assess` is the estimate for sources that
are not independent and identically distributed, on request: `estimators` and `predictors` are its
ten parts. The tests see gross failures only. They do not make a bad source good, and output that a
cipher made passes them whatever its seed was.
"""
