"""Build liboqs with ML-DSA-87 and ML-KEM-1024 from the sources in the Cargo crate ``oqs-sys``.

    python scripts/build_liboqs.py [folder]

Cargo only fetches; cmake and a C compiler build. The folder (``.cache/liboqs`` by default) is what
OQS_INSTALL_PATH takes; it is printed on standard output, and everything else on standard error. A
second run finds the library and does nothing.

The crate carries liboqs 0.13.0, which has no SLH-DSA. liboqs-python 0.16 asks every library for
``OQS_SIG_supports_ctx_str``, which 0.13.0 does not have; so that one function is added
to the library, and nothing in liboqs' own sources is changed.

The portable C code is built, for any CPU of the machine's kind. The AVX2 code of 0.13.0 accepts
ML-DSA-87 signatures that FIPS 204 refuses, and refuses one that it accepts: measured, 50 wrong of
Wycheproof's 241 verifications, where the portable code has none wrong.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

CRATE = "oqs-sys"
CRATE_VERSION = "0.11.0"
ALGORITHMS = "SIG_ml_dsa_87;KEM_ml_kem_1024"
PROJECT = Path(__file__).resolve().parent.parent
TOOLS = {
    "cargo": "it fetches the sources (Rust toolchain)",
    "cmake": "it configures the build",
    "cc": "it compiles (a C compiler)",
}

CARGO_TOML = f"""\
[package]
name = "liboqs-sources"
version = "0.0.0"
edition = "2021"

[lib]
path = "empty.rs"

[dependencies]
{CRATE} = {{ version = "={CRATE_VERSION}", default-features = false }}
"""

SUPPORTS_CTX_C = """\
#include <oqs/oqs.h>

/* Whether a signature mechanism takes a context string: the flag that OQS_SIG itself has. */
OQS_API bool OQS_SIG_supports_ctx_str(const char *method_name);
OQS_API bool OQS_SIG_supports_ctx_str(const char *method_name) {
	OQS_SIG *sig = OQS_SIG_new(method_name);
	if (sig == NULL) {
		return false;
	}
	bool supports = sig->sig_with_ctx_support;
	OQS_SIG_free(sig);
	return supports;
}
"""


class BuildFailed(Exception):
    """A build that cannot go on, in one line."""


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def run(command: list[str], log: Path) -> str:
    """The command's output, which is also added to the log."""
    say(f"  {' '.join(command[:2])} ...")
    done = subprocess.run(command, capture_output=True, text=True)
    with log.open("a") as file:
        file.write(f"$ {' '.join(command)}\n{done.stdout[-20_000:]}{done.stderr}\n")
    if done.returncode != 0:
        last = (done.stderr.strip() or done.stdout.strip() or "no output").splitlines()[-1]
        raise BuildFailed(f"{command[0]} failed with {done.returncode}: {last} (log: {log})")
    return done.stdout


def fetch_sources(work: Path, log: Path) -> Path:
    """The folder of liboqs' sources inside the fetched crate."""
    (work / "empty.rs").write_text("")
    manifest = work / "Cargo.toml"
    manifest.write_text(CARGO_TOML)
    run(["cargo", "fetch", "--manifest-path", str(manifest)], log)
    told = run(
        ["cargo", "metadata", "--format-version", "1", "--manifest-path", str(manifest)], log
    )
    for package in json.loads(told)["packages"]:
        if package["name"] == CRATE:
            sources = Path(package["manifest_path"]).parent / "liboqs"
            if (sources / "CMakeLists.txt").is_file():
                return sources
    raise BuildFailed(f"crate {CRATE} {CRATE_VERSION} holds no liboqs sources")


def build(prefix: Path) -> Path:
    """The library under ``prefix``, built if it is not there."""
    name = {"darwin": "liboqs.dylib", "win32": "oqs.dll"}.get(sys.platform, "liboqs.so")
    library = prefix / ("bin" if sys.platform == "win32" else "lib") / name
    stamp = prefix / "built-from.txt"
    recipe = f"{CRATE} {CRATE_VERSION} {ALGORITHMS} generic OQS_SIG_supports_ctx_str\n"
    if library.is_file() and stamp.is_file() and stamp.read_text() == recipe:
        say(f"liboqs is there: {library}")
        return library
    missing = [f"{tool} ({why})" for tool, why in TOOLS.items() if shutil.which(tool) is None]
    if missing:
        raise BuildFailed(f"not found on PATH: {', '.join(missing)}")
    work = prefix / "work"
    work.mkdir(parents=True, exist_ok=True)
    log = prefix / "build.log"
    log.write_text("")
    say("liboqs: fetching the sources")
    sources = fetch_sources(work, log)
    function = work / "supports_ctx.c"
    function.write_text(SUPPORTS_CTX_C)
    # Run by cmake inside liboqs' project: the target exists once its folder is read, so deferred.
    include = work / "supports_ctx.cmake"
    include.write_text(
        f'cmake_language(DEFER CALL target_sources oqs PRIVATE "{function.as_posix()}")\n'
    )
    say("liboqs: building")
    objects = work / "objects"
    shutil.rmtree(objects, ignore_errors=True)
    configure = [
        *("cmake", "-S", str(sources), "-B", str(objects)),
        *("-DBUILD_SHARED_LIBS=ON", "-DOQS_BUILD_ONLY_LIB=ON", "-DOQS_USE_OPENSSL=OFF"),
        *("-DOQS_DIST_BUILD=OFF", "-DOQS_OPT_TARGET=generic", f"-DOQS_MINIMAL_BUILD={ALGORITHMS}"),
        *("-DCMAKE_BUILD_TYPE=Release", "-DCMAKE_INSTALL_LIBDIR=lib"),
        *(f"-DCMAKE_INSTALL_PREFIX={prefix}", f"-DCMAKE_PROJECT_liboqs_INCLUDE={include}"),
    ]
    run(configure, log)
    run(["cmake", "--build", str(objects), "--parallel", str(os.cpu_count() or 1)], log)
    run(["cmake", "--install", str(objects)], log)
    if not library.is_file():
        raise BuildFailed(f"the build ended without {library} (log: {log})")
    shutil.rmtree(work)
    stamp.write_text(recipe)
    return library


def main() -> int:
    parser = argparse.ArgumentParser(description="Build liboqs for the tests.")
    parser.add_argument(
        "folder",
        nargs="?",
        type=Path,
        default=PROJECT / ".cache" / "liboqs",
        help="where it is installed (default: .cache/liboqs in the project)",
    )
    prefix = parser.parse_args().folder.resolve()
    try:
        build(prefix)
    except BuildFailed as error:
        say(f"error: {error}")
        return 1
    print(prefix)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
