"""The machines find what is broken: each contract here has one line too few or one changed.

The mutants are compiled when the tests run, so they need Node.js and the compiler.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from bridge.chain.artifact import Artifact, load
from bridge.domain.quorums import SignerSet
from bridge.testing import World, machine
from scripts.build_contracts import ROOT, SETTINGS, SOLC, with_imports
from tests.invariants import profiles
from tests.invariants.calls import Calls
from tests.invariants.delivery import MEMBERS, THRESHOLD, Delivery
from tests.invariants.delivery import build as delivery_ground
from tests.invariants.signers import FIRST, Signers
from tests.invariants.signers import build as signers_ground
from tests.invariants.token_ground import build as tokens_ground
from tests.invariants.tokens import Tokens
from tests.invariants.verdicts import SIGNER_SET, VerdictMachine
from tests.invariants.verdicts import build as verdicts_ground

# A mutant runs for seconds: what compiles it soonest to code below EIP-170's size.
LEGACY = {"viaIR": False, "optimizer": {"enabled": True, "runs": 1}}
"""For contracts that this pipeline can compile: half of the time, or a third."""
QUICK = {
    "optimizer": {
        "enabled": True,
        "runs": 1,
        "details": {"yul": True, "yulDetails": {"stackAllocation": True, "optimizerSteps": "u:"}},
    }
}
EXAMPLES = 60
"""So many runs at the most find a mutant; the committed configuration makes more."""


@dataclass(frozen=True)
class Mutant:
    """A contract with one change, and the machine that finds it.

    ``old`` stands once in ``file`` below ``contracts``, by default the contract's own.
    """

    contract: str
    old: str
    new: str
    machine: type[RuleBasedStateMachine]
    file: str = ""

    @property
    def source(self) -> str:
        """Where the compiler looks for the contract."""
        folder = "contracts/tokens" if self.contract.endswith("Bridge") else "contracts"
        if self.contract == "VerdictRegistry":
            folder = "contracts/verdicts"
        return f"{folder}/{self.contract}.sol"

    @property
    def changed(self) -> str:
        """Where the change is."""
        return f"contracts/{self.file}" if self.file else self.source


MUTANTS = {
    "delivers twice": Mutant(
        "Inbox",
        "        if (_isClosed(origin, nonce)) revert AlreadyDelivered(origin, nonce);\n"
        "        uint64 deadline = message.deadline();\n"
        "        if (_hasPassed(deadline))",
        "        uint64 deadline = message.deadline();\n        if (_hasPassed(deadline))",
        Delivery,
    ),
    "strands what failed": Mutant("Inbox", "closedBits[origin][nonce >> 8] &= ~bit;", "", Delivery),
    "believes any proof": Mutant(
        "Inbox",
        "        if (proven != root) revert ProofMismatch(root, proven);\n    }\n\n"
        "    /// The identifiers",
        "    }\n\n    /// The identifiers",
        Delivery,
    ),
    "one signature attests": Mutant(
        "Inbox",
        "isQuorum = registry.isQuorum(epoch, bits);",
        "isQuorum = true;",
        Delivery,
        "QuorumCount.sol",
    ),
    "counts the revoked": Mutant(
        "SignerRegistry", "signers & ~revokedSigners[epoch]", "signers", Signers
    ),
    "does not wait": Mutant(
        "SignerRegistry",
        "uint64 activeFrom = uint64(block.timestamp) + rotationDelay;",
        "uint64 activeFrom = uint64(block.timestamp);",
        Signers,
    ),
    "forgives equivocation": Mutant("SignerRegistry", "_revoke(keyHash, true);", "", Signers),
    "releases what others locked": Mutant(
        *("TokenBridge", "if (units > locked) revert NotLocked(units, locked);", "", Tokens),
        "tokens/TransferBridge.sol",
    ),
    "refunds twice": Mutant(
        "TokenBridge", "delete pending[messageId];", "", Tokens, "tokens/TransferBridge.sol"
    ),
    "refunds what may arrive": Mutant(
        "TokenBridge",
        "if (!receipts.timedOut(sent.destination, messageId)) {",
        "if (sent.destination == 0) {",
        Tokens,
        "tokens/TransferBridge.sol",
    ),
    "fills its buckets for ever": Mutant(
        "TokenBridge",
        "if (level > bucket.capacity) level = bucket.capacity;",
        "",
        Tokens,
        "libraries/RateLimit.sol",
    ),
    "locks what did not come": Mutant(
        "TokenBridge",
        "_requireMoved(value, before, IERC20(token).balanceOf(address(this)));",
        "before;",
        Tokens,
    ),
    "opens while it works": Mutant(
        *("NftBridge", "if (working) revert Reentered();", "", Tokens),
        "tokens/TransferBridge.sol",
    ),
    "releases another chain's id": Mutant(
        "NftBridge",
        "        if (lockedFor[token][id] != remote) {\n"
        "            revert NotLockedFor(token, id, lockedFor[token][id], remote);\n"
        "        }\n",
        "        remote;\n",
        Tokens,
    ),
    "verifies whatever code is there": Mutant(
        "VerdictRegistry",
        "chainId == block.chainid && account.codehash != record.codeHash",
        "record.sequence == 0",
        VerdictMachine,
        "verdicts/VerdictRegistry.sol",
    ),
    "takes an older verdict": Mutant(
        *("VerdictRegistry", "if (sequence <= stands) revert StaleSequence(stands, sequence);", ""),
        VerdictMachine,
        "verdicts/VerdictRegistry.sol",
    ),
    "takes a verdict that was revoked before it came": Mutant(
        "VerdictRegistry",
        "if (issuedAt <= revokedAt) revert RevokedSince(issuedAt, revokedAt);",
        "",
        VerdictMachine,
        "verdicts/VerdictRegistry.sol",
    ),
    "forgets that code was revoked": Mutant(
        *("VerdictRegistry", "return record.issuedAt > codes[record.codeHash].revokedAt;"),
        "return true;",
        VerdictMachine,
        "verdicts/VerdictRegistry.sol",
    ),
}


def compiled(mutant: Mutant) -> Artifact:
    """The mutant's artifact."""
    if shutil.which("node") is None or not (ROOT / "node_modules" / "solc").exists():
        pytest.skip("no Node.js with solc, which compiles the mutants")
    sources = with_imports([mutant.source])
    text = sources[mutant.changed]["content"]
    assert text.count(mutant.old) == 1, mutant
    sources[mutant.changed] = {"content": text.replace(mutant.old, mutant.new)}
    outputs = ["abi", "evm.bytecode.object", "evm.deployedBytecode.object"]
    wanted = {mutant.source: {mutant.contract: outputs}}
    ways = LEGACY if mutant.contract in ("SignerRegistry", "VerdictRegistry") else QUICK
    request = {
        "language": "Solidity",
        "sources": sources,
        "settings": SETTINGS | ways | {"outputSelection": wanted},
    }
    done = subprocess.run(
        [str(SOLC), "--standard-json"],
        input=json.dumps(request),
        capture_output=True,
        text=True,
        timeout=280,
    )
    output = json.loads(done.stdout)
    assert "contracts" in output, output
    made = output["contracts"][mutant.source][mutant.contract]
    return Artifact(
        mutant.contract,
        tuple(made["abi"]),
        bytes.fromhex(made["evm"]["bytecode"]["object"]),
        bytes.fromhex(made["evm"]["deployedBytecode"]["object"]),
    )


def ground_of(machine: type[RuleBasedStateMachine], deploy: Callable[[], World]) -> object:
    """Where the machine plays, in a world with other contracts."""
    if machine is Delivery:
        return delivery_ground(deploy)
    if machine is VerdictMachine:
        return verdicts_ground(deploy)
    return signers_ground(deploy) if machine is Signers else tokens_ground(deploy)


SETS = {
    Delivery: SignerSet(1, THRESHOLD, MEMBERS),
    Signers: SignerSet(1, FIRST.threshold, FIRST.members()),
    Tokens: None,
    VerdictMachine: SIGNER_SET,
}


@pytest.mark.parametrize("name", MUTANTS)
def test_the_machine_finds_the_mutant(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    mutant = MUTANTS[name]
    artifact = compiled(mutant)

    def deploy() -> World:
        def loaded(asked: str) -> Artifact:
            return artifact if asked == mutant.contract else load(asked)

        with monkeypatch.context() as patched:
            patched.setattr(machine, "load", loaded)
            return World.built(SETS[mutant.machine])

    ground = ground_of(mutant.machine, deploy)
    heir = type(
        "Mutated", (mutant.machine,), {"ground": staticmethod(lambda: ground), "calls": Calls()}
    )
    with pytest.raises((AssertionError, ExceptionGroup)):
        run_state_machine_as_test(heir, settings=profiles.finding(EXAMPLES))
    assert heir.calls.made > 0
