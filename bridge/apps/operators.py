"""What an operator does to a running bridge: rotate its signers, revoke one, pause a route.

Owner and guardian of a development network are development accounts; elsewhere their keys come
from files.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bridge.apps.devnet.layout import GUARDIAN, RELAYER
from bridge.chain.contracts import Contract
from bridge.chain.deployment import register_keys
from bridge.chain.development import development_accounts
from bridge.chain.registry import EpochState
from bridge.chain.statements import key_hash, signer_set_hash, signer_set_tuple
from bridge.chain.transactions import Account
from bridge.crypto.hashing import keccak256
from bridge.domain.errors import BridgeError, ConfigError, InputError, QuorumMissed
from bridge.domain.keys import PublicKeyRecord
from bridge.domain.quorums import Signer, SignerSet, packed_signatures
from bridge.domain.rotations import Rotation
from bridge.keyservice.client import KeyServiceClient
from bridge.keyservice.secretfile import read_secret
from bridge.relayer.route import Side
from bridge.relayer.signers import can_sign, signer_set_of

WHOLE = 0
"""The domain that stands for all, where a contract is paused."""


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _SignerEntry(_File):
    weight: int = 1
    keys: list[str] = Field(min_length=1, max_length=2)


class SetFile(_File):
    """A signer set as an operator writes it: labels or ids of keys in the key service.

    threshold = 2
    [[signers]]
    keys = ["signer-1"]
    [[signers]]
    weight = 1
    keys = ["signer-2", "signer-2-slh"]
    """

    threshold: int
    lattice_threshold: int = 0
    hash_threshold: int = 0
    signers: list[_SignerEntry]

    @classmethod
    def read(cls, path: Path) -> SetFile:
        """The set in ``path``; ``ConfigError`` where it is none."""
        try:
            return cls(**tomllib.loads(path.read_text(encoding="utf-8")))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise ConfigError(str(path), [f"expected a TOML file: {error}"]) from error
        except ValidationError as error:
            problems = [
                f"{'.'.join(str(part) for part in entry['loc'])}: {entry['msg']}"
                for entry in error.errors()
            ]
            raise ConfigError(str(path), problems) from error

    def signer_set(self, epoch: int, records: Sequence[PublicKeyRecord]) -> SignerSet:
        """The set with the keys of these labels; ``InputError`` where one is unknown."""
        known = {name: one for one in records for name in (one.label, one.key_id)}
        signers = []
        for entry in self.signers:
            for name in entry.keys:
                if name not in known:
                    labels = ", ".join(record.label for record in records) or "none"
                    raise InputError(f"key {name!r}: expected one of {labels}")
            signers.append(Signer.of(*(known[name] for name in entry.keys), weight=entry.weight))
        return SignerSet(
            epoch, self.threshold, tuple(signers), self.lattice_threshold, self.hash_threshold
        )


@dataclass(frozen=True, slots=True)
class Rotated:
    """The epoch that waits on a chain, and how many signatures were brought for it just now."""

    chain: str
    state: EpochState
    signatures: int


def relayer_account() -> Account:
    """Who pays for what anybody may bring, on a development network."""
    return Account.from_key(bytes(development_accounts()[RELAYER].key))


def guardian_account(key_file: Path | None) -> Account:
    """The guardian: of ``key_file``, or the development network's."""
    if key_file is not None:
        return Account.from_key(read_secret(key_file))
    return Account.from_key(bytes(development_accounts()[GUARDIAN].key))


async def rotate(
    side: Side,
    keys: KeyServiceClient,
    account: Account,
    wanted: SetFile,
    salt: int,
    announce: Callable[[str], None] = lambda what: None,
) -> Rotated:
    """Have the current quorum of a chain sign that ``wanted`` follows it, and schedule that.

    Every step that was done before is passed over, so that it may be called again after anything.
    Raises ``QuorumMissed`` with each signer that gave no signature, ``InputError`` for a set that
    no registry takes, and what chain and key service raise.
    """
    registry, verifiers = side.registry, side.record.verifiers
    records = await keys.keys()
    epoch = await registry.current_epoch()
    following = wanted.signer_set(epoch + 1, records)
    rotation = Rotation(
        chain_id=side.record.chain_id,
        registry=bytes.fromhex(side.record.registry[2:]),
        epoch=epoch,
        set_hash=signer_set_hash(following, verifiers),
        salt=salt,
    )
    pending = await registry.pending_epoch()
    if pending:
        state = await registry.state(pending)
        if signer_set_of(state, records).signers == following.signers:
            return Rotated(side.name, state, 0)
    announce(f"{side.name}: registering keys")
    await register_keys(side.client, account, verifiers, await _unregistered(side, following))
    brought = 0
    if not await registry.approved(rotation):
        announce(f"{side.name}: signing")
        current = signer_set_of(await registry.state(epoch), records)
        signatures = await _signatures(side, keys, current, rotation)
        for index, signature in signatures.items():
            await registry.approve(account, rotation, {index: signature})
        brought = len(signatures)
    announce(f"{side.name}: scheduling")
    state = await registry.schedule(account, rotation, signer_set_tuple(following, verifiers))
    return Rotated(side.name, state, brought)


async def _unregistered(side: Side, signer_set: SignerSet) -> list[Signer]:
    """Signers with an ML-DSA-87 key that the chain's verifier does not hold."""
    missing = []
    for signer in signer_set.signers:
        for key in signer.keys:
            address = side.record.verifiers.get(key.algorithm)
            if address is None:
                raise InputError(
                    f"key {key.key_id}: chain {side.name} has no verifier of {key.algorithm}"
                )
            verifier = Contract.at(side.client, "MlDsa87Verifier", address)
            if not await verifier.call("isKeyWellFormed", key_hash(key)):
                missing.append(Signer((key,)))
    return missing


async def _signatures(
    side: Side, keys: KeyServiceClient, current: SignerSet, rotation: Rotation
) -> dict[int, bytes]:
    """Signatures of the signers that are here, until they are a quorum with those counted."""
    revoked = await side.registry.revoked(rotation.epoch)
    counted = await side.registry.counted(rotation) - revoked
    found: dict[int, bytes] = {}
    failures = []
    for index, signer in enumerate(current.signers):
        if current.is_quorum(counted | found.keys()):
            break
        if index in counted | revoked:
            continue
        if not can_sign(signer):
            failures.append(f"signer {index}: its keys are not in this key service")
            continue
        try:
            found[index] = packed_signatures(
                [await keys.sign_rotation(key.key_id, rotation) for key in signer.keys]
            )
        except BridgeError as error:
            failures.append(f"signer {index}: {error}")
    if not current.is_quorum(counted | found.keys()):
        raise QuorumMissed(len(counted | found.keys()), current.threshold, failures)
    return found


def revocation_hash(given: str, records: Sequence[PublicKeyRecord]) -> bytes:
    """What a registry revokes a key by: from its label or id in the key service, or the hash."""
    for record in records:
        if given in (record.label, record.key_id):
            (key,) = Signer.of(record).keys
            return key_hash(key)
    try:
        raw = bytes.fromhex(given.removeprefix("0x"))
    except ValueError:
        raw = b""
    if len(raw) < 32:
        raise InputError(
            f"key {given!r}: expected a label or id of the key service, a public key or its hash"
        )
    return raw if len(raw) == 32 else keccak256(raw)


async def pause_route(origin: Side, destination: Side, account: Account, pausing: bool) -> None:
    """Stop or open a route at both ends: what is dispatched, and what is attested and delivered."""
    await _pause(origin.outbox, destination.domain, account, pausing)
    await _pause(destination.inbox, origin.domain, account, pausing)


async def pause_whole(side: Side, account: Account, pausing: bool) -> None:
    """Stop or open a chain's Outbox and Inbox for all domains."""
    for contract in (side.outbox, side.inbox):
        await _pause(contract, WHOLE, account, pausing)


async def _pause(contract: Contract, domain: int, account: Account, pausing: bool) -> None:
    if await contract.call("paused", domain) != pausing:
        await contract.send(account, "pause" if pausing else "unpause", domain)
