import asyncio
import dataclasses
import doctest
import os
import time
from pathlib import Path

import httpx
import pytest
from structlog.testing import capture_logs

from bridge.crypto.providers import select
from bridge.domain.checkpoints import Checkpoint
from bridge.domain.contexts import CHECKPOINT_CONTEXT
from bridge.domain.errors import (
    ConfigError,
    Equivocation,
    InputError,
    KeyServiceError,
    KeyUnusable,
    LabelTaken,
    PoolExhausted,
    UnknownKey,
)
from bridge.domain.keys import Algorithm
from bridge.keyservice import service as service_module
from bridge.keyservice.compromise import Compromise
from bridge.keyservice.database import open_database
from bridge.keyservice.filler import LinkState
from bridge.keyservice.linkblock import SimulatedLink
from bridge.keyservice.pool import LOCAL, KeyPool
from bridge.keyservice.rotation import RotationPolicy
from bridge.keyservice.server import create_app
from bridge.keyservice.service import KeyService, KeyServiceSettings
from bridge.keyservice.store import KeyState
from bridge.quantum.distillation.pipeline import BlockParameters
from bridge.quantum.entropy.source import CheckedSource
from bridge.quantum.link.adversary import InterceptResend
from bridge.quantum.link.randomness import Randomness
from bridge.quantum.link.transmission import Link


@pytest.fixture
def settings(tmp_path: Path) -> KeyServiceSettings:
    return KeyServiceSettings(
        tmp_path / "state", link=BlockParameters(pulses=1 << 16), pool_target_bits=4096
    )


@pytest.mark.parametrize("algorithm", [Algorithm.ML_DSA_87, Algorithm.SLH_DSA_SHA2_128S])
async def test_a_new_key_signs_a_checkpoint(
    settings: KeyServiceSettings, checkpoint: Checkpoint, algorithm: Algorithm
) -> None:
    async with KeyService(settings) as service:
        record = await service.create_key(algorithm, "attestor one")
        assert record.provenance.simulated
        assert record.provenance.source == "bb84-simulation"
        assert await service.keys() == [record]
        assert await service.key(record.key_id) == record
        signed = await service.sign_checkpoint(record.key_id, checkpoint)
    select("default").signatures.verify(
        algorithm, record.public_key, signed.digest, signed.signature, CHECKPOINT_CONTEXT
    )


async def test_keys_and_token_survive_a_restart(
    settings: KeyServiceSettings, checkpoint: Checkpoint
) -> None:
    async with KeyService(settings) as service:
        record = await service.create_key(Algorithm.ML_DSA_87, "first")
        token = service.token
    async with KeyService(settings) as service:
        assert service.token == token == settings.token_file.read_text().strip()
        assert await service.keys() == [record]
        await service.sign_checkpoint(record.key_id, checkpoint)


async def test_each_key_takes_bits_from_the_pool_that_no_other_gets(
    settings: KeyServiceSettings,
) -> None:
    async with KeyService(dataclasses.replace(settings, pool_target_bits=8)) as service:
        await service.create_key(Algorithm.ML_DSA_87, "first")
        before = service.link_status().pool_bits
        await service.create_key(Algorithm.ML_DSA_87, "second")
        assert service.link_status().pool_bits == before - 256
        first, second = await service.keys()
        assert first.public_key != second.public_key


async def test_what_cannot_be_made_is_refused_and_takes_no_bits(
    settings: KeyServiceSettings,
) -> None:
    async with KeyService(dataclasses.replace(settings, pool_target_bits=8)) as service:
        await service.create_key(Algorithm.ML_DSA_87, "first")
        before = service.link_status().pool_bits
        with pytest.raises(LabelTaken):
            await service.create_key(Algorithm.ML_DSA_87, "first")
        for label in ("", "x" * 65, "two\nlines"):
            with pytest.raises(InputError, match="label"):
                await service.create_key(Algorithm.ML_DSA_87, label)
        with pytest.raises(UnknownKey):
            await service.key("nobody")
        assert service.link_status().pool_bits == before


async def test_a_tapped_link_makes_no_key(settings: KeyServiceSettings) -> None:
    tapped = BlockParameters(pulses=1 << 16, link=Link(adversary=InterceptResend(1.0)))
    async with KeyService(dataclasses.replace(settings, link=tapped, patience=2)) as service:
        with pytest.raises(PoolExhausted, match="256 bits wanted, 0 available"):
            await service.create_key(Algorithm.ML_DSA_87, "first")
        assert service.link_status().blocks_rejected == 2
        assert await service.keys() == []


async def test_keys_that_exist_sign_on_while_the_link_has_failed_and_a_restart_tries_it_again(
    settings: KeyServiceSettings, checkpoint: Checkpoint
) -> None:
    tapped = BlockParameters(pulses=1 << 16, link=Link(adversary=InterceptResend(1.0)))
    async with KeyService(settings) as service:
        record = await service.create_key(Algorithm.ML_DSA_87, "first")
    drain(settings)
    async with KeyService(dataclasses.replace(settings, link=tapped, patience=1)) as service:
        with pytest.raises(PoolExhausted):
            await service.create_key(Algorithm.ML_DSA_87, "second")
        assert service.link_status().state is LinkState.FAILED
        await service.sign_checkpoint(record.key_id, checkpoint)
    async with KeyService(settings) as service:
        await service.create_key(Algorithm.ML_DSA_87, "second")


async def test_a_link_whose_randomness_failed_says_so_everywhere_and_goes_on_when_reset(
    settings: KeyServiceSettings, checkpoint: Checkpoint
) -> None:
    draws = [lambda count: b"\x5a" * count, os.urandom]

    def randomness() -> Randomness:
        return Randomness(CheckedSource(draws.pop(0)), reproducible=False)

    link = SimulatedLink(BlockParameters(pulses=1 << 16), LOCAL, randomness=randomness)
    async with KeyService(dataclasses.replace(settings, source=link)) as service:
        with pytest.raises(PoolExhausted):
            await service.create_key(Algorithm.ML_DSA_87, "first")
        assert service.link_status().state is LinkState.UNHEALTHY
        transport = httpx.ASGITransport(create_app(service))
        headers = {"Authorization": f"Bearer {service.token}"}
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as http:
            health = (await http.get("/v1/health")).json()
            ready = await http.get("/v1/ready")
            metrics = (await http.get("/metrics")).text
            audit = (await http.get("/v1/audit", headers=headers)).json()["entries"]
            assert health["status"] == "degraded"
            assert "randomness failed its health test: randomness: repetition" in health["reason"]
            assert (ready.status_code, ready.json()["ready"]) == (503, False)
            assert ready.json()["reason"] == health["reason"]
            assert 'link_state{state="randomness failed its health test"} 1.0' in metrics
            assert "astralink_keyservice_entropy_failures_total 1.0" in metrics
            assert [entry["event"] for entry in audit] == ["link.stopped"]
            assert (await http.post("/v1/link/reset")).status_code == 401

            answer = await http.post("/v1/link/reset", headers=headers)
            assert (answer.status_code, answer.json()["state"]) == (200, "filling")
            record = await service.create_key(Algorithm.ML_DSA_87, "first")
            await service.sign_checkpoint(record.key_id, checkpoint)
            ready = await http.get("/v1/ready")
            assert (ready.status_code, ready.json()) == (200, {"ready": True, "reason": None})
            assert (await http.get("/v1/health")).json()["status"] == "ok"
            again = await http.post("/v1/link/reset", headers=headers)
            assert again.json()["state"] in ("filling", "full")
        assert service.link_status().entropy_failures == 1


def drain(settings: KeyServiceSettings) -> None:
    """Take all that the pool on disk holds."""
    assert isinstance(settings.database, Path)
    database = open_database(settings.database, settings.key_file)
    pool = KeyPool(database)
    pool.take(pool.bits, "gone")
    database.close()


async def test_a_service_that_is_not_started_does_nothing(settings: KeyServiceSettings) -> None:
    service = KeyService(settings)
    with pytest.raises(KeyServiceError, match="started"):
        await service.keys()
    await service.start()
    await service.stop()
    with pytest.raises(KeyServiceError, match="started"):
        await service.keys()


async def test_a_wrong_key_file_stops_the_start(settings: KeyServiceSettings) -> None:
    async with KeyService(settings):
        pass
    settings.key_file.write_text("ab" * 32)
    with pytest.raises(ConfigError, match="got another"):
        await KeyService(settings).start()


def test_an_unknown_provider_is_refused(settings: KeyServiceSettings) -> None:
    with pytest.raises(ConfigError, match="provider"):
        KeyService(dataclasses.replace(settings, provider="abacus"))


def test_the_example_runs() -> None:
    with capture_logs() as logs:
        result = doctest.testmod(service_module)
    assert result.attempted > 0
    assert result.failed == 0
    assert "keyservice.key_created" in {entry["event"] for entry in logs}


# The life of a key


async def test_a_successor_takes_new_bits_and_the_old_key_signs_until_it_is_destroyed(
    settings: KeyServiceSettings, checkpoint: Checkpoint
) -> None:
    async with KeyService(settings) as service:
        old = await service.create_key(Algorithm.ML_DSA_87, "signer")
        new = await service.rotate_key(old.key_id)
        assert (new.label, new.algorithm) == ("signer@2", old.algorithm)
        assert new.public_key != old.public_key
        third = await service.rotate_key(new.key_id)
        assert third.label == "signer@3"
        lives = await service.lives()
        assert [lives[one.key_id].state for one in (old, new, third)] == [
            KeyState.REPLACED,
            KeyState.REPLACED,
            KeyState.ACTIVE,
        ]
        assert lives[old.key_id].successor == new.key_id
        await service.sign_checkpoint(old.key_id, checkpoint)
        with pytest.raises(KeyUnusable, match="replaced"):
            await service.rotate_key(old.key_id)
        with pytest.raises(KeyUnusable, match="active, not replaced"):
            await service.destroy_key(third.key_id)
        await service.destroy_key(old.key_id)
        with pytest.raises(KeyUnusable, match="destroyed"):
            await service.sign_checkpoint(old.key_id, checkpoint)
        with pytest.raises(KeyUnusable, match="destroyed"):
            await service.destroy_key(old.key_id)
        await service.sign_checkpoint(new.key_id, checkpoint)
        for act in (service.rotate_key, service.destroy_key):
            with pytest.raises(UnknownKey):
                await act("nobody")
        events = [one.data()["event"] for one in await service.audit_entries()]
    assert events == [
        "key.created",
        "key.rotated",
        "key.rotated",
        "signed_roots.recorded",
        "key.destroyed",
        "signed_roots.recorded",
    ]
    # On disk nothing of the destroyed seed is left to open, in this process or another.
    async with KeyService(settings) as service:
        with pytest.raises(KeyUnusable):
            await service.sign_checkpoint(old.key_id, checkpoint)


async def test_keys_are_rotated_by_use_and_by_age_and_old_ones_destroyed(
    settings: KeyServiceSettings, checkpoint: Checkpoint
) -> None:
    by_use = RotationPolicy(max_uses=2, overlap_s=0.2)
    async with KeyService(dataclasses.replace(settings, rotation=by_use)) as service:
        busy = await service.create_key(Algorithm.ML_DSA_87, "busy")
        idle = await service.create_key(Algorithm.ML_DSA_87, "idle")
        for size in (1, 2):
            await service.sign_checkpoint(busy.key_id, dataclasses.replace(checkpoint, size=size))
        await service.keep_house()
        lives = await service.lives()
        assert lives[busy.key_id].state is KeyState.REPLACED
        assert lives[busy.key_id].signatures == 2
        assert lives[idle.key_id].state is KeyState.ACTIVE
        await asyncio.sleep(0.25)
        await service.keep_house()
        assert (await service.lives())[busy.key_id].state is KeyState.DESTROYED
        assert [one.label for one in await service.keys()] == ["busy", "busy@2", "idle"]
    by_age = RotationPolicy(max_age_s=0.001)
    async with KeyService(dataclasses.replace(settings, rotation=by_age)) as service:
        await service.keep_house()
        lives = await service.lives()
        assert lives[idle.key_id].state is KeyState.REPLACED
        await service.keep_house()
        assert (await service.lives())[idle.key_id].state is KeyState.REPLACED, "no overlap is set"


async def test_a_second_statement_that_is_refused_is_no_use(
    settings: KeyServiceSettings, checkpoint: Checkpoint, other_root: Checkpoint
) -> None:
    async with KeyService(settings) as service:
        record = await service.create_key(Algorithm.ML_DSA_87, "first")
        for _ in range(2):
            await service.sign_checkpoint(record.key_id, checkpoint)
        with pytest.raises(Equivocation):
            await service.sign_checkpoint(record.key_id, other_root)
        assert (await service.lives())[record.key_id].signatures == 2


async def test_an_ml_kem_key_decapsulates_and_does_not_sign(
    settings: KeyServiceSettings, checkpoint: Checkpoint
) -> None:
    kem = select("default").kem
    async with KeyService(settings) as service:
        record = await service.create_key(Algorithm.ML_KEM_1024, "channel")
        signer = await service.create_key(Algorithm.ML_DSA_87, "signer")
        sent = kem.encapsulate(record.public_key)
        assert await service.decapsulate(record.key_id, sent.ciphertext) == sent.shared_secret
        assert (await service.lives())[record.key_id].signatures == 1
        with pytest.raises(InputError, match="ML-KEM-1024"):
            await service.sign_checkpoint(record.key_id, checkpoint)
        with pytest.raises(InputError, match="expected ML-KEM-1024, got ML-DSA-87"):
            await service.decapsulate(signer.key_id, sent.ciphertext)
        with pytest.raises(InputError, match="ciphertext"):
            await service.decapsulate(record.key_id, sent.ciphertext[1:])
        new = await service.rotate_key(record.key_id)
        await service.destroy_key(record.key_id)
        with pytest.raises(KeyUnusable):
            await service.decapsulate(record.key_id, sent.ciphertext)
        again = kem.encapsulate(new.public_key)
        assert await service.decapsulate(new.key_id, again.ciphertext) == again.shared_secret


async def test_a_compromised_link_ends_keys_that_were_in_use(
    settings: KeyServiceSettings, checkpoint: Checkpoint
) -> None:
    async with KeyService(settings) as service:
        record = await service.create_key(Algorithm.ML_DSA_87, "first")
        await service.sign_checkpoint(record.key_id, checkpoint)
        now = time.time()
        damage = await service.declare_compromise(Compromise(now - 3600, now + 1))
        assert [one.label for one in damage.signing_keys] == ["first"]
        with pytest.raises(KeyUnusable, match="compromised"):
            await service.sign_checkpoint(record.key_id, checkpoint)
        again = await service.create_key(Algorithm.ML_DSA_87, "second")
        await service.sign_checkpoint(again.key_id, checkpoint)
