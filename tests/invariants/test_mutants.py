"""The machines find what is broken: each contract here has one line too few or one changed.

The mutants are compiled when the tests run, so they need Node.js and the compiler.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache

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

EXAMPLES = 60
"""So many runs at the most find a mutant; the committed configuration makes more."""


@dataclass(frozen=True)
class Mutant:
    """A contract in which ``old`` stands once and is replaced, and the machine that finds it."""

    contract: str
    old: str
    new: str
    machine: type[RuleBasedStateMachine]


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
        "attested = registry.isQuorum(checkpoint.epoch, bits);",
        "attested = true;",
        Delivery,
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
}


@cache
def compiled() -> dict[str, Artifact]:
    """Every mutant's artifact, from one run of the compiler."""
    if shutil.which("node") is None or not (ROOT / "node_modules" / "solc").exists():
        pytest.skip("no Node.js with solc, which compiles the mutants")
    sources, wanted = {}, {}
    for number, mutant in enumerate(MUTANTS.values()):
        source = f"contracts/{mutant.contract}.sol"
        for name, given in with_imports([source]).items():
            text = given["content"]
            if name == source:
                assert text.count(mutant.old) == 1, mutant
                text = text.replace(mutant.old, mutant.new)
            sources[f"{number}/{name}"] = {"content": text}
        wanted[f"{number}/{source}"] = {
            mutant.contract: ["abi", "evm.bytecode.object", "evm.deployedBytecode.object"]
        }
    request = {
        "language": "Solidity",
        "sources": sources,
        "settings": SETTINGS
        | {"optimizer": {"enabled": True, "runs": 1}, "outputSelection": wanted},
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
    found = {}
    for number, (name, mutant) in enumerate(MUTANTS.items()):
        source = f"{number}/contracts/{mutant.contract}.sol"
        made = output["contracts"][source][mutant.contract]
        found[name] = Artifact(
            mutant.contract,
            tuple(made["abi"]),
            bytes.fromhex(made["evm"]["bytecode"]["object"]),
            bytes.fromhex(made["evm"]["deployedBytecode"]["object"]),
        )
    return found


@pytest.mark.parametrize("name", MUTANTS)
def test_the_machine_finds_the_mutant(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    mutant, artifact = MUTANTS[name], compiled()[name]

    def deploy() -> World:
        def loaded(asked: str) -> Artifact:
            return artifact if asked == mutant.contract else load(asked)

        with monkeypatch.context() as patched:
            patched.setattr(machine, "load", loaded)
            if mutant.machine is Delivery:
                return World.built(SignerSet(1, THRESHOLD, MEMBERS))
            return World.built(SignerSet(1, FIRST.threshold, FIRST.members()))

    ground = delivery_ground(deploy) if mutant.machine is Delivery else signers_ground(deploy)
    heir = type(
        "Mutated", (mutant.machine,), {"ground": staticmethod(lambda: ground), "calls": Calls()}
    )
    with pytest.raises((AssertionError, ExceptionGroup)):
        run_state_machine_as_test(heir, settings=profiles.finding(EXAMPLES))
    assert heir.calls.made > 0
