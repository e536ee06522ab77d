"""What other on-chain verifiers and other bridges cost, and where that was read.

Figures are those of each project at the time of reading, November 2026: "published" by the project
itself, or "measured" by running its code. Conventions differ from project to project by some
thousand gas: whether the call is from a contract, whether accesses are cold.
"""

from __future__ import annotations

from dataclasses import dataclass

HYPERLANE = "hyperlane-xyz/hyperlane-monorepo"
WORMHOLE = "wormhole-foundation/wormhole"
LAYERZERO = "LayerZero-Labs/LayerZero-v2"
CCIP = "smartcontractkit/chainlink-ccip"
IBC_EUREKA = "cosmos/solidity-ibc-eureka"
SKALE = "skalenetwork/mldsa-solidity 1.0.0"
ETHDILITHIUM = "ZKNoxHQ/ETHDILITHIUM"


@dataclass(frozen=True, slots=True)
class Peer:
    """One figure of another project; ``source`` says how it is known."""

    project: str
    scheme: str
    gas: int
    source: str


def _github(how: str, project: str) -> str:
    return f"{how}, https://github.com/{project.split()[0]}"


PEERS = (
    Peer(
        "fireblocks-labs/evm-ml-dsa-verifier",
        "ML-DSA-44, key as contract code built off chain",
        1_226_311,
        _github("published", "fireblocks-labs/evm-ml-dsa-verifier"),
    ),
    Peer(SKALE, "ML-DSA-44, registered key", 2_650_000, _github("measured", SKALE)),
    Peer(SKALE, "ML-DSA-65, registered key", 3_620_000, _github("measured", SKALE)),
    Peer(SKALE, "ML-DSA-87, registered key", 5_290_000, _github("measured", SKALE)),
    Peer(SKALE, "ML-DSA-87, raw key", 14_130_000, _github("measured", SKALE)),
    Peer(ETHDILITHIUM, "ML-DSA-44", 8_146_495, _github("measured", ETHDILITHIUM)),
    Peer(
        ETHDILITHIUM,
        "ML-DSA-44 with Keccak for SHAKE",
        4_924_175,
        _github("measured", ETHDILITHIUM),
    ),
    Peer(
        "ZKNoxHQ/ETHFALCON",
        "Falcon-512",
        3_877_571,
        _github("measured", "ZKNoxHQ/ETHFALCON"),
    ),
    Peer(
        "nconsigny/SPHINCS-",
        "SLH-DSA-SHA2-128-24 (draft of SP 800-230, 2^24 signatures a key), internal interface",
        142_030,
        _github("measured", "nconsigny/SPHINCS-"),
    ),
)

DELIVERY_PEERS = (
    Peer(HYPERLANE, "message-id multisig, 1 of 1 signers", 97_310, _github("measured", HYPERLANE)),
    Peer(HYPERLANE, "message-id multisig, 3 of 5 signers", 109_766, _github("measured", HYPERLANE)),
    Peer(
        HYPERLANE, "message-id multisig, 13 of 19 signers", 169_713, _github("measured", HYPERLANE)
    ),
    Peer(
        HYPERLANE, "Merkle-root multisig, 3 of 5 signers", 140_469, _github("measured", HYPERLANE)
    ),
    Peer(
        WORMHOLE,
        "13 of 19 guardians, verification alone",
        172_416,
        _github("measured", WORMHOLE),
    ),
    Peer(WORMHOLE, "13 of 19 guardians, with a consumer", 212_442, _github("measured", WORMHOLE)),
    Peer(
        LAYERZERO,
        "two DVNs of 2 of 3 signers, four transactions",
        283_022,
        _github("measured", LAYERZERO),
    ),
    Peer(CCIP, "CCIP 1.6: commit of a root and execute", 281_576, _github("published", CCIP)),
    Peer(CCIP, "CCIP 2.0: execute", 107_999, _github("published", CCIP)),
    Peer(
        IBC_EUREKA,
        "recvPacket in a batch of 50, SP1 proof",
        172_804,
        _github("published", IBC_EUREKA),
    ),
    Peer(
        IBC_EUREKA,
        "recvPacket, attestation client 3 of 5, without the client's update",
        89_762,
        _github("measured", IBC_EUREKA),
    ),
)
"""Gas of one delivered message on the destination chain, all with classical signatures."""
