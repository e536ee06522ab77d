"""Closed forms: entropies, the tail of sampling without replacement, the secret length."""

from __future__ import annotations

import math

from bridge.domain.errors import InputError

LENGTH_FIELD_BITS = 32
"""Charged for the length of the transcript, which depends on the errors; see `secret_length`."""


def binary_entropy(p: float) -> float:
    """h(p) = -p log2 p - (1 - p) log2 (1 - p), in bits; 1 for every p above 1/2.

    Above 1/2 the bound on an error rate says nothing, so the entropy stays at its maximum.
    """
    if not 0.0 <= p <= 1.0:
        raise InputError(f"error rate: expected 0 to 1, got {p}")
    if p == 0.0:
        return 0.0
    if p >= 0.5:
        return 1.0
    return -p * math.log2(p) - (1.0 - p) * math.log2(1.0 - p)


def relative_entropy(a: float, b: float) -> float:
    """D(a || b) of two coins, in nats: a ln(a/b) + (1 - a) ln((1 - a)/(1 - b))."""
    first = a * math.log(a / b) if a > 0.0 else 0.0
    second = (1.0 - a) * math.log((1.0 - a) / (1.0 - b)) if a < 1.0 else 0.0
    return first + second


def log_tail(sample: int, sample_errors: int, rest: int, rest_errors: int) -> float:
    """The natural log of a bound on P[at most ``sample_errors`` in the sample].

    ``sample`` of N = ``sample + rest`` positions are drawn without replacement; K =
    ``sample_errors + rest_errors`` of the N are wrong. Write k, i for the sample and its errors,
    n, j for the rest. Let X ~ Bin(k, p) and Y ~ Bin(n, p) be independent with p = K/N. Given
    X + Y = K, X has the hypergeometric law of the sample's errors, hence

        P[X <= i | X + Y = K] <= P[X <= i] P[Y >= j] / P[X + Y = K]

    because X <= i and X + Y = K give Y >= K - i = j. For i/k <= p <= j/n Chernoff's bound
    (Hoeffding 1963, Theorem 1) makes the two factors at most exp(-k D(i/k || p)) and
    exp(-n D(j/n || p)). The denominator is C(N, K) p^K (1-p)^(N-K), at least
    sqrt(N / (8 K (N-K))) (MacWilliams and Sloane, chapter 10, Lemma 7). Together

        P <= sqrt(8 K (N-K) / N) exp(-k D(i/k || p) - n D(j/n || p)).

    Serfling (1974) gives exp(-2 k n^2 d^2 / (N (n+1))) for a difference d of the two rates, a tail
    that does not know that the rates are small. This one does.
    """
    total, errors = sample + rest, sample_errors + rest_errors
    if not 0 < errors < total:
        return 0.0
    p = errors / total
    if sample_errors / sample > p:
        return 0.0
    exponent = sample * relative_entropy(sample_errors / sample, p)
    exponent += rest * relative_entropy(rest_errors / rest, p)
    return 0.5 * math.log(8.0 * errors * (total - errors) / total) - exponent


def upper_error_count(sample: int, sample_errors: int, rest: int, tail: float) -> int:
    """The largest number of errors in the rest that the sample does not rule out.

    Let J be the smallest j >= i n/k + N/(2k) for which `log_tail` is at most ln ``tail``. Returns
    J - 1 (or ``rest`` when there is no such j). With probability at least 1 - ``tail`` over the
    sample, the rest holds at most J - 1 errors, whatever the total K is:

    1. From i n/k + N/(2k) on, the bound falls as j grows. The derivative of its log in j is at
       most 1/(2K) - ln(r(1-p) / (p(1-r))), r = j/n. The logarithm is at least ln(r/p) >= 1 - p/r
       = k (j - i n/k) / (N j), and this is at least 1/(2j) >= 1/(2K) exactly when
       j - i n/k >= N/(2k). So every j >= J is ruled out, not only J, and bisection finds J.
    2. For a given K the bad samples are those x with K - x >= J(x). Let i* be the largest of them.
       All of them are at most i*, so P[bad] <= P[X <= i*] <= bound(i*, K - i*) <= tail, the last
       because K - i* >= J(i*).
    """
    if not 0 <= sample_errors <= sample or sample < 1 or rest < 1:
        raise InputError(
            f"sample: expected at most {sample} errors in at least 1 bit, got {sample_errors}"
        )
    if not 0.0 < tail < 1.0:
        raise InputError(f"failure probability: expected between 0 and 1, got {tail}")
    target = math.log(tail)
    low = math.ceil(sample_errors * rest / sample + (sample + rest) / (2.0 * sample))
    high = rest + 1
    while low < high:
        middle = (low + high) // 2
        if middle <= rest and log_tail(sample, sample_errors, rest, middle) > target:
            low = middle + 1
        else:
            high = middle
    return min(low - 1, rest)


def twin_error_count(length: int, errors: int, tail: float) -> int:
    """The largest number of phase errors that ``errors`` known bit errors do not rule out.

    The bound and its proof are ours. Each of ``length`` positions was measured in one of two bases,
    drawn uniformly and independently of all else. Write e_i for the error in the drawn basis and
    f_i for the one that the other basis would have shown; the errors W = sum e_i are known, the
    phase errors P = sum f_i are not. Given the two outcomes of each position, nothing is random but
    which is e_i: in the M positions where exactly one is an error, a fair coin decides; in the D
    where both are, each counts. So W = D + X and P = D + M - X with X ~ Bin(M, 1/2), and Chernoff's
    bound (Hoeffding 1963, Theorem 1) is

        P[X <= x] <= exp(-M D(x/M || 1/2)) = exp(-g(x, M - x)),  g(x, y) = (x+y)(ln 2 - H(x/(x+y))),

    H in nats. Let U(w) be the smallest j >= w with g(w, j) >= ln(1 / ``tail``). Returns U - 1 (or
    ``length``). With probability at least 1 - ``tail``, P is at most that, whatever M and D are:

    1. U(w) - w does not fall as w grows, since g(w, w + d) for fixed d > 0 falls: its derivative is
       2 ln 2 + ln(w(w + d) / (2w + d)^2) <= 0. So P >= U(W), which is M - X >= U(D + X) - D,
       implies M - X >= U(X).
    2. For a given M the bad X are those with M - X >= U(X). Let x* be the largest; all are at most
       x*, so P[bad] <= P[X <= x*] <= exp(-g(x*, M - x*)) <= tail, since g grows with its second
       argument from the first on, and M - x* >= U(x*).
    """
    if not 0 <= errors <= length or length < 1:
        raise InputError(f"errors: expected 0 to {length}, got {errors}")
    if not 0.0 < tail < 1.0:
        raise InputError(f"failure probability: expected between 0 and 1, got {tail}")
    target = -math.log(tail)
    low, high = errors, length + 1
    while low < high:
        middle = (low + high) // 2
        total = errors + middle
        exponent = total * relative_entropy(errors / total, 0.5) if total else 0.0
        if middle <= length and exponent < target:
            low = middle + 1
        else:
            high = middle
    return min(low - 1, length)


def final_length(
    length: int, phase_errors: int, leak_bits: int, epsilon_amplification: float
) -> int:
    """The key bits that amplification may keep when the other end's errors are public.

        floor( n (1 - h(P / n)) - leak - 2 log2(1 / (2 epsilon_PA)) )

    Everything is conditioned on the string W of bit errors, which is taken to be public: the
    argument in bridge/quantum/README.md, which is ours, says why that costs nothing here, and why
    ``leak_bits`` then has to count the sender's announcements only. Given W the lengths of
    transcript and key are fixed, so that nothing is charged for their depending on the data. The
    rest is as in `secret_length`: the entropic uncertainty relation (Tomamichel, Lim, Gisin and
    Renner 2012, doi 10.1038/ncomms1631; Tomamichel and Leverrier 2017, arXiv 1506.08458) and the
    quantum leftover hash lemma (Tomamichel, Schaffner, Smith and Renner 2011,
    doi 10.1109/TIT.2011.2158473).
    """
    if not 0.0 < epsilon_amplification < 0.5:
        raise InputError(f"epsilon: expected between 0 and 0.5, got {epsilon_amplification}")
    entropy = length * (1.0 - binary_entropy(min(1.0, phase_errors / length)))
    margin = 2.0 * math.log2(1.0 / (2.0 * epsilon_amplification))
    return max(0, math.floor(entropy - leak_bits - margin))


def secret_length(
    length: int, phase_error_upper: float, leak_bits: int, epsilon_amplification: float
) -> int:
    """The number of key bits that amplification may keep; 0 when there are none.

        floor( n (1 - h(Q_upper)) - leak - 32 - 2 log2(1 / (2 epsilon_PA)) )

    n (1 - h(Q_upper)) bounds the smooth min-entropy of the sender's bits by the entropic
    uncertainty relation for two BB84 bases (Tomamichel, Lim, Gisin and Renner 2012,
    doi 10.1038/ncomms1631; Tomamichel and Leverrier 2017, arXiv 1506.08458). Every announced bit
    takes off at most one. The quantum leftover hash lemma makes the key epsilon_PA-close to
    uniform when 2^((length - H_min)/2) / 2 <= epsilon_PA, which is the last term.

    The transcript's length L depends on the data, and the key's length on L. Write p_L for the
    probability of L. The part of the state with that L keeps the min-entropy bound and has trace
    p_L, so its distance is at most epsilon_PA sqrt(p_L) 2^(-32/2); at most 2^32 values of L sum to
    epsilon_PA by Cauchy and Schwarz. That is what the 32 bits pay for.
    """
    if not 0.0 < epsilon_amplification < 0.5:
        raise InputError(f"epsilon: expected between 0 and 0.5, got {epsilon_amplification}")
    entropy = length * (1.0 - binary_entropy(phase_error_upper))
    margin = 2.0 * math.log2(1.0 / (2.0 * epsilon_amplification))
    return max(0, math.floor(entropy - leak_bits - LENGTH_FIELD_BITS - margin))
