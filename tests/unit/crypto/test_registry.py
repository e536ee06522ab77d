"""Choice of providers, and the doctor's rows."""

import os
import subprocess
import sys

import pytest

from bridge.crypto.provider import Capability
from bridge.crypto.providers import SETTINGS, provider_report, select
from bridge.domain.errors import ConfigError, InputError, MechanismMissing
from bridge.domain.keys import Algorithm
from tests.liboqs import require_liboqs
from tests.providers import ML_DSA, SLH_DSA


def test_the_default_takes_each_algorithm_where_it_is_best():
    chosen = select()
    assert chosen.signatures.mechanisms() == {ML_DSA, SLH_DSA}
    assert chosen.signatures.provider(ML_DSA).name == "cryptography"
    assert chosen.signatures.provider(SLH_DSA).name == "pqcrypto"
    assert chosen.kem.name == "cryptography"
    assert chosen.signatures.version().startswith("cryptography ")
    assert "pqcrypto " in chosen.signatures.version()
    for algorithm in (ML_DSA, SLH_DSA):
        assert Capability.SEEDED_KEYS in chosen.signatures.capabilities()[algorithm]


def test_the_default_signs_and_verifies_with_both_families():
    signatures = select("default").signatures
    for algorithm, seed in ((ML_DSA, bytes(32)), (SLH_DSA, bytes(48))):
        pair = signatures.key_pair(algorithm, seed)
        signature = signatures.sign(algorithm, pair.secret, b"message", b"ctx")
        signatures.verify(algorithm, pair.public_key, b"message", signature, b"ctx")
    with pytest.raises(InputError, match="got ML-KEM-1024"):
        signatures.key_pair(Algorithm.ML_KEM_1024, bytes(64))


def test_an_unknown_setting_is_refused():
    with pytest.raises(ConfigError, match=r"default, liboqs, liboqs\+default, got 'openssl'"):
        select("openssl")
    assert SETTINGS == ("default", "liboqs", "liboqs+default")


def test_liboqs_alone_says_what_it_lacks_and_does_not_fall_back():
    require_liboqs()
    chosen = select("liboqs")
    assert chosen.signatures.name == chosen.kem.name == "liboqs"
    if SLH_DSA in chosen.signatures.mechanisms():
        assert len(chosen.signatures.key_pair(SLH_DSA, bytes(48)).public_key) == 32
        return
    with pytest.raises(MechanismMissing, match="liboqs has no SLH-DSA-SHA2-128s: it has ML-DSA-87"):
        chosen.signatures.key_pair(SLH_DSA, bytes(48))


def test_liboqs_with_default_falls_back_for_what_liboqs_lacks_only():
    require_liboqs()
    alone, chosen = select("liboqs").signatures, select("liboqs+default")
    assert chosen.kem.name == "liboqs"
    for algorithm, fallback in ((ML_DSA, "cryptography"), (SLH_DSA, "pqcrypto")):
        expected = "liboqs" if algorithm in alone.mechanisms() else fallback
        assert chosen.signatures.provider(algorithm).name == expected


def test_the_report_has_a_row_for_each_library():
    rows = {row.name: row for row in provider_report()}
    assert list(rows) == ["cryptography", "pqcrypto", "slh-dsa", "liboqs"]
    assert rows["cryptography"].missing == {SLH_DSA}
    assert rows["pqcrypto"].mechanisms == set(Algorithm)
    for row in rows.values():
        assert row.mechanisms | row.missing == set(Algorithm)
        assert not row.mechanisms & row.missing
        assert row.installed == (row.version is not None) == bool(row.mechanisms)
        assert row.installed or row.mend
        assert "\n" not in row.mend


def test_the_report_says_how_to_mend_a_liboqs_without_slh_dsa():
    require_liboqs()
    row = provider_report()[-1]
    assert "liboqs-python" in row.version
    assert ("SLH-DSA-SHA2-128s" in row.mend) == (SLH_DSA in row.missing)
    assert ("liboqs+default" in row.mend) == bool(row.missing)


@pytest.mark.parametrize("module", ["pqcrypto", "slhdsa", "oqs", "cryptography"])
def test_a_library_that_is_not_installed_is_named(module):
    """A fresh process in which the library cannot be imported."""
    code = f"""
import sys
sys.modules[{module!r}] = None
from bridge.crypto.providers import provider_report
for row in provider_report():
    print(row.name, row.installed, row.mend)
"""
    told = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ
    ).stdout
    name = {"slhdsa": "slh-dsa", "oqs": "liboqs"}.get(module, module)
    (line,) = [line for line in told.splitlines() if line.startswith(f"{name} ")]
    assert line.startswith(f"{name} False ")
    assert "not installed" in line or "no shared library found" in line
