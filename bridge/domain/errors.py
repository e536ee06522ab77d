"""The one error tree of the bridge.

    BridgeError
    ├── InputError              what a person or a file said cannot be used
    │   ├── ConfigError         one or more configuration keys, each with its path
    │   ├── UnknownDomain       a domain that no configured chain has
    │   ├── BodyTooLong         a message body over the Outbox's limit
    │   ├── PortInUse           a port that another process listens on
    │   └── ExtraMissing        a library of an extra that is not installed
    ├── ChainError
    │   ├── ChainUnreachable    nobody answers at the RPC address          (may be retried)
    │   ├── WrongChainId        another chain answers at the RPC address
    │   ├── EndpointsTooFew     fewer RPC endpoints answer than must agree (may be retried)
    │   ├── EndpointsDisagree   RPC endpoints say different things         (may be retried)
    │   ├── FinalizedChanged    a block that was final is another now
    │   ├── ChainRefused        the node answered a request with an error
    │   ├── BlockUnknown        the chain has no such block
    │   ├── RecipientHasNoCode  the recipient's address holds no contract
    │   ├── TransactionReverted the contract said no; carries its error by name
    │   ├── TransactionTooHeavy more gas than one transaction may have
    │   ├── TransactionTimeout  no receipt before the deadline             (may be retried)
    │   └── AccountEmpty        an account that cannot pay                 (may be retried)
    ├── CryptoError
    │   ├── ProviderMissing     a provider's library is not installed
    │   ├── MechanismMissing    the library is there but lacks the algorithm
    │   ├── InvalidKey          a seed or key of the wrong length or form
    │   ├── InvalidSignature    a signature that does not verify
    │   └── SealBroken          a sealed record that does not open
    ├── LinkError
    │   ├── BlockRejected       a block of the key link that yields no key (may be retried)
    │   │   └── BlockTooNoisy   its QBER is not below the limit            (may be retried)
    │   ├── ChannelAttacked     block after block too noisy, or a message forged
    │   ├── PeerLost            the link's other end is gone or too slow   (may be retried)
    │   ├── MessageForged       a classical message that is not what the other end sent
    │   ├── SourceUnhealthy     a source of randomness that failed a health test
    │   ├── CoherenceExceeded   a memory asked for what it has lost by then
    │   ├── HeraldLost          too few pairs were heralded                (may be retried)
    │   ├── PurificationFailed  a pair lost in purification                (may be retried)
    │   ├── DecodingFailed      no decoder has an answer for the syndromes (may be retried)
    │   ├── StateUnusable       a state that is not there, or not good enough
    │   ├── MemoryFull          no slot for a state of this priority       (may be retried)
    │   └── NoPath              no path between two nodes that gives key
    ├── KeyServiceError
    │   ├── KeyServiceUnreachable                                          (may be retried)
    │   ├── KeyServiceRefused   it answered with an error
    │   ├── StoreUnavailable    the key service's database does not answer (may be retried)
    │   ├── PoolExhausted       fewer distilled bits than were asked for   (may be retried)
    │   ├── PoolFull            more bits than the pool takes              (may be retried)
    │   ├── BlockConflict       bits of a block that are not there to be taken
    │   ├── UnknownKey          no key with that id
    │   ├── KeyUnusable         a key that was destroyed or is compromised
    │   ├── PurposeRefused      a caller that may not use a key for this
    │   ├── LabelTaken          another key has that label
    │   ├── AuditBroken         an audit log that was changed
    │   ├── KmeUnreachable      nobody answers at a KME's address          (may be retried)
    │   ├── KmeRefused          a KME answered with an error
    │   ├── KmeLied             a KME's answer is not what was asked for
    │   ├── Equivocation        a second, different root for a size already signed
    │   └── RotationConflict    a second, different set for a rotation already signed
    ├── RelayError
    │   ├── RootMismatch        an attestor's own tree has another root
    │   ├── TreeMismatch        the tree of a chain's events is not its Outbox's
    │   ├── NotFinalized        more messages than are final here          (may be retried)
    │   ├── AttestorUnreachable nobody answers at an attestor's address    (may be retried)
    │   ├── AttestorRefused     an attestor answered with a refusal
    │   ├── AttestorLied        an attestor's signature does not verify
    │   ├── SupplyBroken        more tokens on one side than stand behind them
    │   ├── UnknownMessage      no message with that id in the journal
    │   ├── NotAttested         no quorum stands behind the message yet    (may be retried)
    │   ├── QuorumMissed        fewer signatures than a quorum             (may be retried)
    │   └── JournalUnavailable  the journal's database did not do it       (may be retried)
    ├── CircuitError
    │   ├── HardwareBelowMinimum hardware that may not be used, each figure that fell short
    │   ├── CircuitRefused      a circuit that no way of compiling makes fit
    │   ├── CalibrationFailed   measurements that no decay fits            (may be retried)
    │   ├── CalibrationStale    a calibration that is too old to be used   (may be retried)
    │   ├── BackendLost         a backend that does not answer any more    (may be retried)
    │   ├── BackendsLost        no backend is left for a job               (may be retried)
    │   ├── JobFailed           a job that raised
    │   ├── JobCancelled        a job that was called off
    │   ├── QueueFull           more jobs waiting than there may be        (may be retried)
    │   └── WorkersLost         a worker process that was killed           (may be retried)
    ├── ProofError              a Merkle proof that does not fit its root
    └── ProcessError            a process that did not start or did not stop

Whether an error may be retried is an attribute of its class, never a matter of its text.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar


class BridgeError(Exception):
    """Base of all errors that the bridge raises on purpose."""

    retryable: ClassVar[bool] = False
    exit_code: ClassVar[int] = 1

    def __reduce__(self) -> tuple[Any, ...]:
        # Python would call the class with the message alone, which most of them do not take: an
        # error of a worker process would arrive as the loss of the process.
        return _rebuilt, (type(self), self.args, self.__dict__)


def _rebuilt(kind: type[BridgeError], args: tuple[Any, ...], state: dict[str, Any]) -> BridgeError:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class InputError(BridgeError):
    """What a person or a file said cannot be used."""

    exit_code = 2


class ConfigError(InputError):
    """One or more configuration keys that are wrong or missing, each with its path."""

    def __init__(self, source: str, problems: Sequence[str]) -> None:
        self.source = source
        self.problems = tuple(problems)
        noun = "problem" if len(self.problems) == 1 else "problems"
        lines = "".join(f"\n  {problem}" for problem in self.problems)
        super().__init__(f"{source}: {len(self.problems)} {noun}{lines}")


class UnknownDomain(InputError):
    """A domain or chain name that no configured chain has."""

    def __init__(self, given: str, known: Sequence[str]) -> None:
        super().__init__(f"unknown chain {given!r}: expected one of {', '.join(known)}")


class BodyTooLong(InputError):
    """A message body over the Outbox's limit."""

    def __init__(self, length: int, limit: int) -> None:
        super().__init__(f"message body of {length} bytes: the Outbox takes at most {limit}")


class PortInUse(InputError):
    """A port that another process listens on."""

    def __init__(self, name: str, host: str, port: int) -> None:
        super().__init__(
            f"{name}: port {port} on {host} is in use by another process; "
            "stop that process or choose another port"
        )


class ExtraMissing(InputError):
    """A library of an extra that is not installed."""

    def __init__(self, library: str, extra: str) -> None:
        super().__init__(
            f"{extra}: expected the library {library}, it is not installed: "
            f"pip install 'astralink-bridge[{extra}]'"
        )


class ChainError(BridgeError):
    """Base of what goes wrong between the bridge and a chain."""

    exit_code = 3


class ChainUnreachable(ChainError):
    """Nobody answers at the RPC address."""

    retryable = True

    def __init__(self, name: str, url: str, reason: str) -> None:
        super().__init__(f"chain {name}: no answer from {url}: {reason}")


class WrongChainId(ChainError):
    """Another chain answers at the RPC address."""

    def __init__(self, name: str, url: str, expected: int, got: int) -> None:
        super().__init__(f"chain {name}: expected chain id {expected} at {url}, got {got}")


class EndpointsTooFew(ChainError):
    """Fewer RPC endpoints answer than must agree; ``failures`` names those that do not."""

    retryable = True

    def __init__(self, name: str, got: int, needed: int, failures: Sequence[str]) -> None:
        self.failures = tuple(failures)
        missing = "; ".join(self.failures)
        super().__init__(f"chain {name}: {got} endpoints answer, {needed} must agree: {missing}")


class EndpointsDisagree(ChainError):
    """No answer, or more than one, is given by as many RPC endpoints as must agree.

    ``said`` is what each said.
    """

    retryable = True

    def __init__(self, name: str, what: str, needed: int, said: Sequence[str]) -> None:
        self.said = tuple(said)
        super().__init__(
            f"chain {name}: {what}: {needed} endpoints must agree, got {'; '.join(self.said)}"
        )


class FinalizedChanged(ChainError):
    """Blocks that were final are no longer on the chain."""

    def __init__(self, name: str, from_block: int, read_to: int) -> None:
        super().__init__(
            f"chain {name}: blocks up to {read_to} were final and read, "
            f"from {from_block} on they are others now"
        )


class ChainRefused(ChainError):
    """The node answered a request with an error that is no revert."""

    def __init__(self, name: str, method: str, code: int, message: str) -> None:
        self.code = code
        self.message = message
        super().__init__(f"chain {name}: {method} refused with {code}: {message}")


class BlockUnknown(ChainError):
    """The chain has no such block."""

    def __init__(self, name: str, block: str) -> None:
        super().__init__(f"chain {name}: no block {block}")


class RecipientHasNoCode(ChainError):
    """The recipient's address holds no contract on the destination chain."""

    def __init__(self, recipient: str, chain: str) -> None:
        super().__init__(
            f"recipient {recipient} has no code on chain {chain}: expected a contract with handle()"
        )


class TransactionReverted(ChainError):
    """The contract said no.

    ``error`` is the custom error as Solidity writes it, with its arguments.
    """

    def __init__(self, what: str, error: str, data: bytes = b"") -> None:
        self.error = error
        self.data = data
        super().__init__(f"{what} reverted: {error}")


class TransactionTooHeavy(ChainError):
    """More gas than one transaction may have (EIP-7825)."""

    def __init__(self, what: str, gas: int, cap: int) -> None:
        super().__init__(f"{what} needs {gas} gas: one transaction may have at most {cap}")


class TransactionTimeout(ChainError):
    """No receipt before the deadline."""

    retryable = True

    def __init__(self, what: str, transaction: str, timeout_s: float) -> None:
        super().__init__(f"{what}: no receipt for {transaction} within {timeout_s:g} s")


class AccountEmpty(ChainError):
    """An account holds less than a transaction may cost."""

    retryable = True

    def __init__(self, chain: str, account: str, balance_wei: int, needed_wei: int) -> None:
        super().__init__(
            f"chain {chain}: account {account} holds {balance_wei} wei, a transaction may cost "
            f"{needed_wei}: send it funds"
        )


class CryptoError(BridgeError):
    """Base of what the cryptographic layer refuses."""

    exit_code = 4


class ProviderMissing(CryptoError):
    """A provider's library is not installed."""


class MechanismMissing(CryptoError):
    """The provider's library is there but lacks the algorithm."""

    def __init__(self, provider: str, algorithm: str, available: Sequence[str]) -> None:
        have = ", ".join(available) or "none of ours"
        super().__init__(f"provider {provider} has no {algorithm}: it has {have}")


class InvalidKey(CryptoError):
    """A seed or key of the wrong length or form."""


class InvalidSignature(CryptoError):
    """A signature that does not verify."""


class SealBroken(CryptoError):
    """A sealed record that does not open under this key and associated data."""


class LinkError(BridgeError):
    """Base of what goes wrong on the key link."""

    exit_code = 5


class BlockRejected(LinkError):
    """A block of the key link that yields no key."""

    retryable = True


class BlockTooNoisy(BlockRejected):
    """A block whose sampled QBER leaves no key; ``limit`` is the lowest that leaves none."""

    def __init__(self, qber: float, limit: float, sample_size: int) -> None:
        self.qber = qber
        self.limit = limit
        super().__init__(
            f"QBER {qber:.2%} of {sample_size} sampled bits is not below the limit {limit:.2%}"
        )


class ChannelAttacked(LinkError):
    """Somebody is on the key link, or it is broken: it gives no key.

    ``blocks`` were tried; ``qbers`` are those that were too noisy, against ``limit``; ``forged``
    says which classical message was not the other end's, if one was.
    """

    def __init__(
        self, blocks: int, qbers: Sequence[float], limit: float | None, forged: str | None
    ) -> None:
        self.blocks = blocks
        self.qbers = tuple(qbers)
        self.limit = limit
        self.forged = forged
        seen = ", ".join(f"{qber:.2%}" for qber in self.qbers)
        what = (
            f"a forged message in block {blocks}: {forged}"
            if forged is not None
            else f"QBER {seen} in {len(self.qbers)} of {blocks} blocks, expected below {limit:.2%}"
        )
        super().__init__(f"link under attack or broken: {what}")


class SourceUnhealthy(LinkError):
    """A source of randomness that failed a health test of SP 800-90B; ``test`` names it.

    ``cutoff`` is the count from which the test fails.
    """

    def __init__(self, test: str, seen: str, cutoff: int) -> None:
        self.test = test
        self.cutoff = cutoff
        super().__init__(
            f"randomness: {test} test failed: {seen}, expected fewer than {cutoff}: "
            "the source is stopped"
        )


class PeerLost(LinkError):
    """The other end of the key link is gone or too slow."""

    retryable = True


class MessageForged(LinkError):
    """A classical message of the key link that is not what the other end sent."""


class CoherenceExceeded(LinkError):
    """A memory asked for what it has lost by then; ``longest_s`` is how long it would have kept it.

    None where it never has it.
    """

    def __init__(self, what: str, asked_s: float, longest_s: float | None) -> None:
        self.asked_s = asked_s
        self.longest_s = longest_s
        limit = "it has none at any time" if longest_s is None else f"at most {longest_s:.3g} s"
        super().__init__(f"memory: {what}: {limit}, asked for {asked_s:.3g} s")


class HeraldLost(LinkError):
    """Too few pairs were heralded in the attempts that there were."""

    retryable = True

    def __init__(self, pairs: int, expected: int, attempts: int) -> None:
        self.pairs = pairs
        self.attempts = attempts
        super().__init__(
            f"memory lane: expected {expected} heralded pairs, got {pairs} of {attempts} attempts"
        )


class PurificationFailed(LinkError):
    """The two ends of a purification measured different bits: both pairs are gone."""

    retryable = True


class DecodingFailed(LinkError):
    """No decoder has an answer for the syndromes; ``failures`` says what each of them did."""

    retryable = True

    def __init__(self, what: str, failures: Sequence[str]) -> None:
        self.failures = tuple(failures)
        super().__init__(f"{what}: no decoder has an answer: {'; '.join(self.failures)}")


class StateUnusable(LinkError):
    """A state or key that is not there to be used, or not good enough to be admitted."""

    def __init__(self, state_id: str, why: str) -> None:
        super().__init__(f"state {state_id}: {why}")


class MemoryFull(LinkError):
    """No slot for a state of this priority."""

    retryable = True

    def __init__(self, node: str, wanted: int, free: int, priority: str) -> None:
        super().__init__(
            f"memory at {node}: expected {wanted} slots for a state of priority {priority}, "
            f"got {free}"
        )


class NoPath(LinkError):
    """No path between two nodes that gives key."""

    def __init__(self, source: str, target: str, why: str) -> None:
        super().__init__(f"no path from {source} to {target}: {why}")


class KeyServiceError(BridgeError):
    """Base of what the key service refuses."""

    exit_code = 6


class KeyServiceUnreachable(KeyServiceError):
    """Nobody answers at the key service's address."""

    retryable = True

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"key service: no answer from {url}: {reason}")


class KeyServiceRefused(KeyServiceError):
    """The key service answered with an error."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        super().__init__(f"key service refused with {status}: {message}")


class PoolExhausted(KeyServiceError):
    """Fewer distilled bits than were asked for."""

    retryable = True

    def __init__(self, wanted_bits: int, available_bits: int) -> None:
        self.wanted_bits = wanted_bits
        self.available_bits = available_bits
        super().__init__(f"key pool: {wanted_bits} bits wanted, {available_bits} available")


class StoreUnavailable(KeyServiceError):
    """The key service's database does not answer."""

    retryable = True

    def __init__(self, reason: str) -> None:
        super().__init__(f"key service's database: {reason}")


class PoolFull(KeyServiceError):
    """More bits than the pool takes: whoever fills it waits until some are taken."""

    retryable = True

    def __init__(self, bits: int, capacity_bits: int) -> None:
        super().__init__(f"key pool: holds {bits} bits of at most {capacity_bits}")


class BlockConflict(KeyServiceError):
    """Bits of a block that were taken before, or a block that is not what was said of it."""


class UnknownKey(KeyServiceError):
    """No key with that id."""

    def __init__(self, key_id: str) -> None:
        super().__init__(f"no key with id {key_id}")


class KeyUnusable(KeyServiceError):
    """A key that was destroyed or is compromised; ``state`` says which."""

    def __init__(self, key_id: str, state: str) -> None:
        self.state = state
        super().__init__(f"key {key_id} is {state}: expected one in use")


class PurposeRefused(KeyServiceError):
    """A caller that may not use a key for what it asks."""

    def __init__(self, caller: str, purpose: str, label: str) -> None:
        super().__init__(f"{caller!r} may not use key {label!r} for {purpose}")


class AuditBroken(KeyServiceError):
    """An audit log that was changed; ``number`` is the first entry that does not fit."""

    def __init__(self, number: int, reason: str) -> None:
        self.number = number
        super().__init__(f"audit log, entry {number}: {reason}")


class KmeUnreachable(KeyServiceError):
    """Nobody answers at a KME's address."""

    retryable = True

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"KME {url}: no answer: {reason}")


class KmeRefused(KeyServiceError):
    """A KME answered with an error; ``message`` is the one of its error model."""

    def __init__(self, url: str, status: int, message: str) -> None:
        self.status = status
        self.message = message
        super().__init__(f"KME {url} refused with {status}: {message}")


class KmeLied(KeyServiceError):
    """A KME's answer is not what the standard says, or not what was asked for."""

    def __init__(self, url: str, expected: str, got: str) -> None:
        super().__init__(f"KME {url}: expected {expected}, got {got}")


class LabelTaken(KeyServiceError):
    """Another key has that label."""

    def __init__(self, label: str) -> None:
        super().__init__(f"label {label!r} is taken by another key: expected one not used yet")


class Equivocation(KeyServiceError):
    """A second, different root for a size already signed."""

    def __init__(self, key_id: str, size: int, signed: bytes, asked: bytes) -> None:
        self.signed = signed
        super().__init__(
            f"key {key_id} signed root {signed.hex()} for size {size}; refused root {asked.hex()}"
        )


class RotationConflict(KeyServiceError):
    """A second, different signer set for the same epoch and salt of a registry."""

    def __init__(self, key_id: str, epoch: int, salt: int, signed: bytes, asked: bytes) -> None:
        self.signed = signed
        super().__init__(
            f"key {key_id} signed set {signed.hex()} to follow epoch {epoch} with salt {salt}; "
            f"refused set {asked.hex()}: another set takes another salt"
        )


class CircuitError(BridgeError):
    """Base of what goes wrong with circuits, the hardware they run on and their work queue."""

    exit_code = 9


class HardwareBelowMinimum(CircuitError):
    """Hardware that may not be used; ``shortfalls`` names each figure that fell short."""

    def __init__(self, profile: str, shortfalls: Sequence[str]) -> None:
        self.shortfalls = tuple(shortfalls)
        super().__init__(f"hardware {profile} is below the minimum: {'; '.join(self.shortfalls)}")


class CircuitRefused(CircuitError):
    """A circuit that no way of compiling makes fit; ``attempts`` says why each did not."""

    def __init__(self, circuit: str, profile: str, attempts: Sequence[str]) -> None:
        self.attempts = tuple(attempts)
        super().__init__(f"circuit {circuit} does not fit {profile}: {'; '.join(self.attempts)}")


class CalibrationFailed(CircuitError):
    """Measurements that no decay fits, or an experiment that did not run."""

    retryable = True


class CalibrationStale(CircuitError):
    """A calibration that is missing or too old to be used."""

    retryable = True

    def __init__(self, what: str, age_s: float | None, limit_s: float, last_error: str) -> None:
        self.age_s = age_s
        since = "never measured" if age_s is None else f"measured {age_s:.0f} s ago"
        after = f", the last run failed: {last_error}" if last_error else ""
        super().__init__(
            f"calibration of {what}: {since}, expected at most {limit_s:.0f} s ago{after}"
        )


class BackendLost(CircuitError):
    """A backend that does not answer any more."""

    retryable = True

    def __init__(self, name: str, reason: str) -> None:
        self.name = name
        super().__init__(f"backend {name} is lost: {reason}")


class BackendsLost(CircuitError):
    """No backend is left for a job; ``failures`` says what each of them did."""

    retryable = True

    def __init__(self, job: str, failures: Sequence[str]) -> None:
        self.failures = tuple(failures)
        super().__init__(f"job {job}: no backend is left: {'; '.join(self.failures)}")


class JobFailed(CircuitError):
    """A job that raised, which it would do on any backend."""

    def __init__(self, job: str, backend: str, reason: str) -> None:
        super().__init__(f"job {job} raised on {backend}: {reason}")


class JobCancelled(CircuitError):
    """A job that was called off before it was done."""

    def __init__(self, job: str, why: str) -> None:
        super().__init__(f"job {job} was cancelled: {why}")


class QueueFull(CircuitError):
    """More jobs waiting than there may be."""

    retryable = True

    def __init__(self, job: str, limit: int) -> None:
        super().__init__(f"job {job}: {limit} jobs wait already, which is the limit")


class WorkersLost(CircuitError):
    """A worker process that was killed, or a cluster that gave its chunks up."""

    retryable = True

    def __init__(self, done: int, chunks: int, reason: str) -> None:
        self.done = done
        self.chunks = chunks
        super().__init__(f"workers lost after {done} of {chunks} chunks: {reason}")


class RelayError(BridgeError):
    """Base of what goes wrong between a message's stages."""

    exit_code = 8


class RootMismatch(RelayError):
    """An attestor's own tree has another root than the one it is asked to sign."""

    def __init__(self, signer: str, size: int, own: bytes, asked: bytes) -> None:
        super().__init__(
            f"signer {signer}: its tree of size {size} has root {own.hex()}, "
            f"it was asked to sign {asked.hex()}"
        )


class TreeMismatch(RelayError):
    """The tree of a chain's finalized events is not the one that its Outbox has."""

    def __init__(self, name: str, block: int, own: str, outbox: str) -> None:
        super().__init__(
            f"chain {name}, block {block}: the tree of its events has {own}, its Outbox {outbox}"
        )


class NotFinalized(RelayError):
    """An attestor is asked to sign more messages than are final where it looks."""

    retryable = True

    def __init__(self, name: str, size: int, final: int | None) -> None:
        got = "fewer" if final is None else final
        super().__init__(
            f"chain {name}: {got} messages are final here, expected {size}: ask again later"
        )


class AttestorUnreachable(RelayError):
    """Nobody answers at an attestor's address."""

    retryable = True

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"attestor {url}: no answer: {reason}")


class AttestorRefused(RelayError):
    """An attestor answered with a refusal; ``code`` names its reason."""

    def __init__(self, url: str, status: int, code: str, message: str) -> None:
        self.status = status
        self.code = code
        super().__init__(f"attestor {url} refused with {status} {code}: {message}")


class AttestorLied(RelayError):
    """What an attestor gave as its signature over a checkpoint is none."""

    def __init__(self, url: str, digest: bytes, reason: str) -> None:
        super().__init__(f"attestor {url}: expected its signature over 0x{digest.hex()}: {reason}")


class SupplyBroken(RelayError):
    """More of a token on one side than stands behind it on the other.

    ``token`` is 32 bytes, as its home has it; ``got`` is what should be at most ``bound``.
    """

    def __init__(
        self, token: bytes, home: int, remote: int, what: str, got: int, bound: int
    ) -> None:
        self.token = token
        self.home = home
        self.remote = remote
        self.got = got
        self.bound = bound
        super().__init__(
            f"token 0x{token.hex()} of domain {home} on domain {remote}: {what}: {got}, {bound}"
        )


class UnknownMessage(RelayError):
    """No message with that id in the journal."""

    def __init__(self, identifier: str) -> None:
        super().__init__(
            f"no message {identifier} in the journal: expected one that the relayer has seen"
        )


class NotAttested(RelayError):
    """No quorum stands behind the message yet; ``stage`` is where it stands."""

    retryable = True

    def __init__(self, identifier: str, stage: str) -> None:
        self.stage = stage
        super().__init__(f"message {identifier} is {stage}: expected attested, ask again later")


class QuorumMissed(RelayError):
    """Fewer signatures than a quorum; ``failures`` names each signer that gave none.

    ``threshold`` is the weight that a quorum has.
    """

    retryable = True

    def __init__(self, got: int, threshold: int, failures: Sequence[str]) -> None:
        self.failures = tuple(failures)
        missing = "; ".join(self.failures)
        super().__init__(f"{got} signatures, expected a weight of {threshold}: {missing}")


class JournalUnavailable(RelayError):
    """The journal's database did not do what it was asked; nothing of it was written."""

    retryable = True

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(f"journal: {what}: {reason}")


class ProofError(BridgeError):
    """A Merkle proof that does not fit its root."""


class ProcessError(BridgeError):
    """A process that did not start or did not stop."""

    exit_code = 7
