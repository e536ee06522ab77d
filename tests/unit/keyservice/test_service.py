import dataclasses
import doctest
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bridge.crypto.providers import select
from bridge.domain.checkpoints import Checkpoint
from bridge.domain.contexts import CHECKPOINT_CONTEXT
from bridge.domain.errors import (
    ConfigError,
    InputError,
    KeyServiceError,
    LabelTaken,
    PoolExhausted,
    UnknownKey,
)
from bridge.domain.keys import Algorithm
from bridge.keyservice import service as service_module
from bridge.keyservice.database import open_database
from bridge.keyservice.filler import LinkState
from bridge.keyservice.pool import KeyPool
from bridge.keyservice.service import KeyService, KeyServiceSettings
from bridge.quantum.distillation.pipeline import BlockParameters
from bridge.quantum.link.adversary import InterceptResend
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
