"""The simulated link: source, channel, adversary, detector.

Three protocols: BB84 with weak coherent pulses and decoys (`protocols.DecoyBB84` on an
`optics.OpticalLink`), BBM92 and E91 with entangled pairs (`pairs.PairLink`), and BB84 with single
photons, the plain one (`transmission.Link`). A run of coherent pulses is simulated by pulses
(`gates`), by clicks (`events`) or by counts (`counts`), and the three agree in distribution.

What is not modelled: dispersion and timing, basis-dependent efficiencies, drifts, phases that are
not random, attacks on the devices other than those in `attacks`. All of it runs in one process, so
a key from this link is as secret as the machine that runs it.
"""
