"""The signer set of an epoch, as the destination's registry has it and the key service knows it."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.chain.registry import EpochState, HeldKey
from bridge.chain.statements import registry_key
from bridge.domain.keys import PublicKeyRecord
from bridge.domain.quorums import Signer, SignerKey, SignerSet


def signer_set_of(state: EpochState, records: Sequence[PublicKeyRecord]) -> SignerSet:
    """The set of an epoch; keys that are none of ``records`` have an empty ``key_id``.

    Of such an ML-DSA-87 key the public key is not known here but its 32-byte id.
    """
    known = {}
    for record in records:
        key = SignerKey(record.key_id, record.algorithm, record.public_key)
        known[HeldKey(record.algorithm, registry_key(key))] = key
    signers = tuple(
        Signer(
            tuple(
                known.get(held, SignerKey("", held.algorithm, held.held)) for held in signer.keys
            ),
            signer.weight,
        )
        for signer in state.signers
    )
    return SignerSet(
        state.epoch, state.threshold, signers, state.lattice_threshold, state.hash_threshold
    )


def can_sign(signer: Signer) -> bool:
    """Whether the key service has all keys of ``signer``."""
    return all(key.key_id for key in signer.keys)
