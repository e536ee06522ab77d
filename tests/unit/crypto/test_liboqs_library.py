"""Loading liboqs without its surprises, and its random source. Real processes, real libraries."""

import ctypes.util
import os
import subprocess
import sys
import threading

import pytest

from bridge.crypto.providers import liboqs_library
from bridge.crypto.providers.liboqs import LiboqsKem, LiboqsSignatures
from bridge.domain.errors import CryptoError
from tests import vectors
from tests.liboqs import require_liboqs
from tests.providers import ML_DSA

LOAD = """
from bridge.crypto.providers import liboqs_library
from bridge.domain.errors import ProviderMissing
try:
    print("loaded", liboqs_library.load().oqs_version())
except ProviderMissing as error:
    print("ProviderMissing", error)
"""


def load_in_a_process(prefix) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", LOAD],
        capture_output=True,
        text=True,
        timeout=60,
        env=os.environ | {"OQS_INSTALL_PATH": str(prefix)},
    )


def without_a_system_library():
    if any(ctypes.util.find_library(name) for name in ("oqs", "liboqs")):
        pytest.skip("the system has a liboqs, which is found whatever OQS_INSTALL_PATH says")


def test_a_library_loads_in_silence():
    require_liboqs()
    done = load_in_a_process(os.environ.get("OQS_INSTALL_PATH", ""))
    assert done.stdout.startswith("loaded 0.")
    assert len(done.stdout.splitlines()) == 1
    assert done.stderr == ""


@pytest.mark.parametrize("content", [None, b"this is no library"])
def test_no_library_is_a_clear_error_and_nothing_is_cloned(tmp_path, content):
    without_a_system_library()
    if content is not None:
        (tmp_path / "lib").mkdir()
        (tmp_path / "lib" / "liboqs.so").write_bytes(content)
    done = load_in_a_process(tmp_path)
    assert done.stdout.startswith("ProviderMissing liboqs: no shared library found")
    assert "scripts/build_liboqs.py" in done.stdout
    assert len(done.stdout.splitlines()) == 1
    assert done.returncode == 0


@pytest.mark.skipif(sys.platform != "linux", reason="uses the file name of Linux")
def test_another_library_under_that_name_is_a_clear_error(tmp_path):
    without_a_system_library()
    import _ctypes

    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "liboqs.so").symlink_to(_ctypes.__file__)
    done = load_in_a_process(tmp_path)
    assert done.stdout.startswith("ProviderMissing liboqs: the library at")
    assert "does not fit liboqs-python" in done.stdout
    assert len(done.stdout.splitlines()) == 1


def test_the_random_source_gives_exactly_what_it_holds_and_switches_back():
    require_liboqs()
    oqs = liboqs_library.load()
    with liboqs_library.random_source(b"0123456789"):
        assert oqs.rand.randombytes(4) == b"0123"
        assert oqs.rand.randombytes(6) == b"456789"
    assert oqs.rand.randombytes(32) != oqs.rand.randombytes(32)


def test_drawing_more_or_less_than_expected_is_an_error():
    require_liboqs()
    oqs = liboqs_library.load()
    with (
        pytest.raises(CryptoError, match="drew 4 random bytes, expected 3"),
        liboqs_library.random_source(b"abc"),
    ):
        oqs.rand.randombytes(4)
    with (
        pytest.raises(CryptoError, match="drew 2 random bytes, expected 3"),
        liboqs_library.random_source(b"abc"),
    ):
        oqs.rand.randombytes(2)
    assert oqs.rand.randombytes(32) != oqs.rand.randombytes(32)


def test_the_source_is_the_systems_again_after_an_error():
    require_liboqs()
    oqs = liboqs_library.load()
    with pytest.raises(KeyError), liboqs_library.random_source(b"abc"):
        raise KeyError
    assert oqs.rand.randombytes(32) != oqs.rand.randombytes(32)


def test_threads_never_draw_from_each_others_source():
    require_liboqs()
    signatures, kem = LiboqsSignatures(), LiboqsKem()
    cases = vectors.key_gen_cases(ML_DSA)[:4]
    ek = vectors.encaps_cases()[0].ek
    secret = signatures.key_pair(ML_DSA, cases[0].seed).secret
    wrong, ciphertexts, hedged = [], [], []

    def make_keys():
        for _ in range(15):
            made = [signatures.key_pair(ML_DSA, case.seed).public_key for case in cases]
            if made != [case.public_key for case in cases]:
                wrong.append(made)

    def draw():
        for _ in range(40):
            ciphertexts.append(kem.encapsulate(ek).ciphertext)
            hedged.append(signatures.sign(ML_DSA, secret, b"m"))

    threads = [threading.Thread(target=task) for task in (make_keys, draw, make_keys, draw)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(set(ciphertexts)) == len(ciphertexts) == 80
    assert len(set(hedged)) == len(hedged) == 80
