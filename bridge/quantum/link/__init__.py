"""The simulated BB84 link: source, channel, adversary, detector.

What is modelled: a source of single photons, loss by length, a misalignment that turns a state into
its orthogonal one, an eavesdropper who intercepts and resends, threshold detectors with an
efficiency, dark counts and double clicks.

What is not: weak laser pulses and decoy states, basis-dependent efficiencies, dead times and
afterpulses, timing, attacks on the devices. The classical channel between the two ends is a
function call and is not authenticated here. All of it runs in one process, so a key from this link
is as secret as the machine that runs it.
"""
