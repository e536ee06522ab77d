"""ML-DSA-87 on ape's chain, by a raw key: nothing is registered, all is computed in the call."""

from __future__ import annotations

import pytest
from ape.api import AccountAPI
from ape.contracts import ContractContainer, ContractInstance
from ape.managers.project import ProjectManager
from ethpm_types import ContractType

from bridge.chain.artifact import load
from bridge.crypto.providers import select
from bridge.domain.keys import Algorithm

ML_DSA = Algorithm.ML_DSA_87
MESSAGE, CTX = b"a message", b"a context"
SIGNATURES = select("default").signatures
PAIR = SIGNATURES.key_pair(ML_DSA, bytes(range(32)))
SIGNATURE = SIGNATURES.sign(ML_DSA, PAIR.secret, MESSAGE, CTX)


def kernel(name: str, owner: AccountAPI) -> ContractInstance:
    """A kernel, which is assembled and has no Solidity source, from its artifact."""
    code = "0x" + load(name).creation_code.hex()
    made = ContractType(contractName=name, abi=[], deploymentBytecode={"bytecode": code})
    return ContractContainer(made).deploy(sender=owner)


@pytest.fixture(scope="module")
def verifier(project: ProjectManager, owner: AccountAPI) -> ContractInstance:
    kernels = [kernel(name, owner) for name in ("MlDsa87Kernel", "MlDsa87Expander")]
    return project.MlDsa87Verifier.deploy(*kernels, sender=owner)


def test_a_real_signature_verifies(verifier: ContractInstance) -> None:
    assert verifier.algorithm() == "ML-DSA-87"
    assert verifier.verifyWithContext(PAIR.public_key, MESSAGE, CTX, SIGNATURE) is True


def test_a_changed_one_does_not(verifier: ContractInstance) -> None:
    changed = SIGNATURE[:-1] + bytes([SIGNATURE[-1] ^ 1])
    assert verifier.verifyWithContext(PAIR.public_key, MESSAGE, CTX, changed) is False
    assert verifier.verifyWithContext(PAIR.public_key, MESSAGE, b"", SIGNATURE) is False


def test_a_key_that_was_not_registered_verifies_nothing(verifier: ContractInstance) -> None:
    assert verifier.verifyWithContext(bytes(range(32)), MESSAGE, CTX, SIGNATURE) is False
