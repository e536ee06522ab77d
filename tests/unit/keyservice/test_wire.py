import pytest
from pydantic import ValidationError

from bridge.domain.checkpoints import Checkpoint
from bridge.domain.errors import InputError
from bridge.domain.keys import Algorithm, PublicKeyRecord
from bridge.keyservice.wire import CheckpointBody, CreateKeyBody, KeyBody, from_hex, to_hex


def test_a_checkpoint_goes_over_the_wire_and_back(checkpoint: Checkpoint) -> None:
    text = CheckpointBody.of(checkpoint).model_dump_json()
    assert CheckpointBody.model_validate_json(text).checkpoint() == checkpoint


def test_a_key_goes_over_the_wire_and_back(make_record) -> None:  # type: ignore[no-untyped-def]
    record: PublicKeyRecord = make_record()
    text = KeyBody.of(record).model_dump_json()
    assert '"algorithm":"ML-DSA-87"' in text
    assert KeyBody.model_validate_json(text).record() == record


def test_hex_is_two_digits_a_byte_after_0x() -> None:
    assert to_hex(b"\x00\xff") == "0x00ff"
    assert from_hex("0x00FF") == b"\x00\xff"
    assert from_hex("0x") == b""


@pytest.mark.parametrize("text", ["", "00ff", "0x0", "0xzz", "0X00"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="hex"):
        from_hex(text)


@pytest.mark.parametrize("change", [{"size": True}, {"size": "7"}, {"size": 7.5}, {"more": 1}])
def test_a_field_of_another_type_or_name_is_refused(
    checkpoint: Checkpoint, change: dict[str, object]
) -> None:
    fields = {**CheckpointBody.of(checkpoint).model_dump(), **change}
    with pytest.raises(ValidationError):
        CheckpointBody.model_validate(fields)


def test_an_algorithm_is_read_by_its_name() -> None:
    body = CreateKeyBody.model_validate({"algorithm": "SLH-DSA-SHA2-128s", "label": "x"})
    assert body.algorithm is Algorithm.SLH_DSA_SHA2_128S
    with pytest.raises(ValidationError):
        CreateKeyBody.model_validate({"algorithm": "SPHINCS+", "label": "x"})
