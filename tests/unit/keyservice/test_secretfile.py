import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bridge.domain.errors import ConfigError
from bridge.keyservice.secretfile import read_or_create_secret, read_secret


def test_a_secret_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "secrets" / "key"
    secret = read_or_create_secret(path)
    assert len(secret) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert read_or_create_secret(path) == secret == read_secret(path)
    assert [entry.name for entry in path.parent.iterdir()] == ["key"]


def test_two_secrets_differ(tmp_path: Path) -> None:
    assert read_or_create_secret(tmp_path / "a") != read_or_create_secret(tmp_path / "b")


def test_all_who_start_at_once_get_the_same_secret(tmp_path: Path) -> None:
    path = tmp_path / "key"
    with ThreadPoolExecutor(8) as pool:
        secrets = set(pool.map(read_or_create_secret, [path] * 16))
    assert len(secrets) == 1
    assert [entry.name for entry in tmp_path.iterdir()] == ["key"]


def test_a_secret_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key"
    read_or_create_secret(path)
    path.chmod(0o640)
    with pytest.raises(ConfigError, match="expected mode 0600, got 0640"):
        read_secret(path)


@pytest.mark.parametrize("content", [b"", b"ab\n", b"zz" * 32, b"ab" * 33, b"\xff" * 64])
def test_a_file_that_holds_anything_else_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "key"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(ConfigError, match="expected"):
        read_or_create_secret(path)


def test_a_missing_secret_is_not_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="expected a readable secret file"):
        read_secret(tmp_path / "none")
