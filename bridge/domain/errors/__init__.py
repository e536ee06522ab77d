"""The one error tree of the bridge.

    BridgeError
    ├── InputError              what a person or a file said cannot be used
    │   ├── ConfigError         one or more configuration keys, each with its path
    │   ├── UnknownDomain       a domain that no configured chain has
    │   ├── BodyTooLong         a message body over the Outbox's limit
    │   ├── PortInUse           a port that another process listens on
    │   ├── ExtraMissing        a library of an extra that is not installed
    │   ├── SourceRefused       a source that may not be compiled and matched
    │   │   └── AlreadyRunning  the same contract is being verified already
    │   ├── SourceUnreadable    a source, name or project that may not be scanned
    │   │   └── SourceTooLarge  more bytes or files than a scan takes
    │   ├── CompilerCrashed     a compiler that made no syntax tree
    │   ├── IgnoreListWrong     an ignore list that does not say what it ignores, and why
    │   └── CodeRefused         bytes that are no EVM code that can be read
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
    │   ├── VerdictConflict     a second, different statement for a place already signed
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
    │   ├── VerdictMismatch     an attestor finds another verdict than it is to sign
    │   ├── VerdictRefused      a statement that no registry takes, or nobody may sign
    │   ├── BlockNotFinal       a verdict at a block that may still go     (may be retried)
    │   ├── NotVerified         no verdict that counts is on a contract
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
    ├── MatchError
    │   ├── CompilerMissing     no such compiler, or nothing that runs it
    │   ├── CompilerFailed      the compiler refused the sources
    │   ├── CompilerExhausted   the compiler ran into its limit of time or memory
    │   ├── NotDeployed         the address has no code
    │   ├── CodeUnreadable      the chain does not say what the code is    (may be retried)
    │   ├── RpcInconsistent     the chain said one thing, then another     (may be retried)
    │   └── NoMatch             code and source differ, or the code is forged
    ├── ProofError              a Merkle proof that does not fit its root
    └── ProcessError            a process that did not start or did not stop

Whether an error may be retried is an attribute of its class, never a matter of its text.
"""

from __future__ import annotations

from bridge.domain.errors.base import BridgeError, ProcessError, ProofError
from bridge.domain.errors.bytecode import CodeProblem, CodeRefused
from bridge.domain.errors.chain import (
    AccountEmpty,
    BlockUnknown,
    ChainError,
    ChainRefused,
    ChainUnreachable,
    EndpointsDisagree,
    EndpointsTooFew,
    FinalizedChanged,
    RecipientHasNoCode,
    TransactionReverted,
    TransactionTimeout,
    TransactionTooHeavy,
    WrongChainId,
)
from bridge.domain.errors.circuits import (
    BackendLost,
    BackendsLost,
    CalibrationFailed,
    CalibrationStale,
    CircuitError,
    CircuitRefused,
    HardwareBelowMinimum,
    JobCancelled,
    JobFailed,
    QueueFull,
    WorkersLost,
)
from bridge.domain.errors.crypto import (
    CryptoError,
    InvalidKey,
    InvalidSignature,
    MechanismMissing,
    ProviderMissing,
    SealBroken,
)
from bridge.domain.errors.input import (
    BodyTooLong,
    ConfigError,
    ExtraMissing,
    InputError,
    PortInUse,
    UnknownDomain,
)
from bridge.domain.errors.keyservice import (
    AuditBroken,
    BlockConflict,
    Equivocation,
    KeyServiceError,
    KeyServiceRefused,
    KeyServiceUnreachable,
    KeyUnusable,
    KmeLied,
    KmeRefused,
    KmeUnreachable,
    LabelTaken,
    PoolExhausted,
    PoolFull,
    PurposeRefused,
    RotationConflict,
    StoreUnavailable,
    UnknownKey,
)
from bridge.domain.errors.link import (
    BlockRejected,
    BlockTooNoisy,
    ChannelAttacked,
    CoherenceExceeded,
    DecodingFailed,
    HeraldLost,
    LinkError,
    MemoryFull,
    MessageForged,
    NoPath,
    PeerLost,
    PurificationFailed,
    SourceUnhealthy,
    StateUnusable,
)
from bridge.domain.errors.match import (
    AlreadyRunning,
    CodeUnreadable,
    CompilerExhausted,
    CompilerFailed,
    CompilerMissing,
    MatchError,
    NoMatch,
    NotDeployed,
    RpcInconsistent,
    SourceRefused,
)
from bridge.domain.errors.relay import (
    AttestorLied,
    AttestorRefused,
    AttestorUnreachable,
    JournalUnavailable,
    NotAttested,
    NotFinalized,
    QuorumMissed,
    RelayError,
    RootMismatch,
    SupplyBroken,
    TreeMismatch,
    UnknownMessage,
)
from bridge.domain.errors.scan import (
    CompilerCrashed,
    IgnoreListWrong,
    SourceTooLarge,
    SourceUnreadable,
)
from bridge.domain.errors.verdicts import (
    BlockNotFinal,
    NotVerified,
    VerdictConflict,
    VerdictMismatch,
    VerdictRefused,
)

__all__ = [
    "AccountEmpty",
    "AlreadyRunning",
    "AttestorLied",
    "AttestorRefused",
    "AttestorUnreachable",
    "AuditBroken",
    "BackendLost",
    "BackendsLost",
    "BlockConflict",
    "BlockNotFinal",
    "BlockRejected",
    "BlockTooNoisy",
    "BlockUnknown",
    "BodyTooLong",
    "BridgeError",
    "CalibrationFailed",
    "CalibrationStale",
    "ChainError",
    "ChainRefused",
    "ChainUnreachable",
    "ChannelAttacked",
    "CircuitError",
    "CircuitRefused",
    "CodeProblem",
    "CodeRefused",
    "CodeUnreadable",
    "CoherenceExceeded",
    "CompilerCrashed",
    "CompilerExhausted",
    "CompilerFailed",
    "CompilerMissing",
    "ConfigError",
    "CryptoError",
    "DecodingFailed",
    "EndpointsDisagree",
    "EndpointsTooFew",
    "Equivocation",
    "ExtraMissing",
    "FinalizedChanged",
    "HardwareBelowMinimum",
    "HeraldLost",
    "IgnoreListWrong",
    "InputError",
    "InvalidKey",
    "InvalidSignature",
    "JobCancelled",
    "JobFailed",
    "JournalUnavailable",
    "KeyServiceError",
    "KeyServiceRefused",
    "KeyServiceUnreachable",
    "KeyUnusable",
    "KmeLied",
    "KmeRefused",
    "KmeUnreachable",
    "LabelTaken",
    "LinkError",
    "MatchError",
    "MechanismMissing",
    "MemoryFull",
    "MessageForged",
    "NoMatch",
    "NoPath",
    "NotAttested",
    "NotDeployed",
    "NotFinalized",
    "NotVerified",
    "PeerLost",
    "PoolExhausted",
    "PoolFull",
    "PortInUse",
    "ProcessError",
    "ProofError",
    "ProviderMissing",
    "PurificationFailed",
    "PurposeRefused",
    "QueueFull",
    "QuorumMissed",
    "RecipientHasNoCode",
    "RelayError",
    "RootMismatch",
    "RotationConflict",
    "RpcInconsistent",
    "SealBroken",
    "SourceRefused",
    "SourceTooLarge",
    "SourceUnhealthy",
    "SourceUnreadable",
    "StateUnusable",
    "StoreUnavailable",
    "SupplyBroken",
    "TransactionReverted",
    "TransactionTimeout",
    "TransactionTooHeavy",
    "TreeMismatch",
    "UnknownDomain",
    "UnknownKey",
    "UnknownMessage",
    "VerdictConflict",
    "VerdictMismatch",
    "VerdictRefused",
    "WorkersLost",
    "WrongChainId",
]
