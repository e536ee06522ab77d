"""The native attempt in front: believed only after it told good from bad, and never needed.

No chain has the precompiles of EIP-8051 and EIP-8355, so what stands for one is a contract that
knows the hashes of the inputs it accepts.
"""

from __future__ import annotations

from eth_utils import keccak

from bridge.testing.machine import Deployed, reverts
from tests.contracts.ml_dsa import OnChain, deploy, key_pair, sign

NOBODY = "0x" + "00" * 20
KEY_SIGNATURE_MESSAGE, MESSAGE_SIGNATURE_KEY = 0, 1
DIGEST = bytes(range(32))
KEY = key_pair(1).public_key
GOOD = sign(1, DIGEST)
PROBE = (KEY, DIGEST, GOOD)
MAGIC = bytes.fromhex("024ad318")


def native(chain: OnChain, accepted: list[bytes]) -> str:
    """A contract that answers 1 for these inputs and 0 for all others."""
    # The hash of the calldata, then 0, ORed with its equality to each hash.
    runtime = bytes.fromhex("365f5f37365f205f")
    for data in accepted:
        runtime += bytes.fromhex("817f") + keccak(data) + bytes.fromhex("1417")
    runtime += bytes.fromhex("5f5260205ff3")
    creation = bytes.fromhex("61") + len(runtime).to_bytes(2) + bytes.fromhex("80600a5f395ff3")
    return chain.machine.deploy_code(creation + runtime)


def constant(chain: OnChain, answer: int) -> str:
    """A contract that answers the same word to everything."""
    runtime = f"60{answer:02x}5f5260205ff3"
    return chain.machine.deploy_code(bytes.fromhex(f"61000880600a5f395ff3{runtime}"))


def front(chain: OnChain, to: str, shape: int = KEY_SIGNATURE_MESSAGE, probe=PROBE) -> Deployed:
    return chain.machine.deploy("NativeFirstVerifier", chain.verifier.address, to, shape, probe)


def test_without_a_native_it_is_the_verifier_behind() -> None:
    chain = deploy()
    made = front(chain, NOBODY, probe=(b"", b"", b""))
    assert made.call("verify", KEY, DIGEST, GOOD) == MAGIC
    assert made.call("verify", KEY, bytes(32), GOOD) != MAGIC
    assert made.call("verifyWithContext", KEY, b"m", b"ctx", sign(1, b"m", b"ctx"))
    assert made.call("algorithm") == "ML-DSA-87"
    assert made.call("isKeyWellFormed", KEY)
    assert not made.call("isKeyWellFormed", b"")


def test_a_native_that_knows_good_from_bad_is_asked_first() -> None:
    chain = deploy()
    made = front(chain, native(chain, [KEY + GOOD + DIGEST]))
    asked = made.send("verify", KEY, DIGEST, GOOD)
    assert asked.output[:4] == MAGIC
    assert asked.execution_gas < 100_000  # nothing was computed behind
    # What it refuses is asked again behind: a signature that this native does not know.
    other = sign(2, DIGEST)
    again = made.send("verify", key_pair(2).public_key, DIGEST, other)
    assert again.output[:4] == MAGIC
    assert again.execution_gas > 1_000_000
    assert made.call("verify", KEY, DIGEST, other) != MAGIC


def test_the_other_shape() -> None:
    chain = deploy()
    to = native(chain, [DIGEST + GOOD + KEY])
    made = front(chain, to, MESSAGE_SIGNATURE_KEY)
    assert made.send("verify", KEY, DIGEST, GOOD).execution_gas < 100_000
    with reverts("RefusesTheGood"):
        front(chain, to, KEY_SIGNATURE_MESSAGE)
    # That shape has messages of 32 bytes only; others go behind.
    assert made.call("verifyWithContext", KEY, b"longer", b"", sign(1, b"longer"))


def test_a_context_never_goes_to_the_native() -> None:
    chain = deploy()
    made = front(chain, native(chain, [KEY + GOOD + DIGEST]))
    assert made.call("verifyWithContext", KEY, DIGEST, b"", GOOD)
    assert not made.call("verifyWithContext", KEY, DIGEST, b"ctx", GOOD)


def test_a_native_that_accepts_all_or_nothing_is_not_believed() -> None:
    chain = deploy()
    with reverts("AcceptsTheBad"):
        front(chain, constant(chain, 1))
    for answer in (0, 2):
        with reverts("RefusesTheGood"):
            front(chain, constant(chain, answer))


def test_an_address_without_code_is_not_believed() -> None:
    """As a precompile that the chain does not have: the call succeeds and returns nothing."""
    chain = deploy()
    with reverts("RefusesTheGood"):
        front(chain, "0x" + "00" * 19 + "14")


def test_nothing_stands_behind_nobody() -> None:
    chain = deploy()
    with reverts("VerifierHasNoCode"):
        chain.machine.deploy("NativeFirstVerifier", NOBODY, NOBODY, 0, (b"", b"", b""))
