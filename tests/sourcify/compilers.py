"""The compilers that tests use, in the project's own cache."""

from __future__ import annotations

from pathlib import Path

from bridge.verifier.compilers.choice import Compilers
from bridge.verifier.compilers.confined import Limits

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache" / "compilers"
OWN = "0.8.37"


def compilers(limits: Limits | None = None) -> Compilers:
    """Compilers from .cache/compilers; the project's own solc is taken from node_modules."""
    seeded(CACHE)
    return Compilers(CACHE, limits, kept=10_000)


def seeded(cache: Path) -> Path:
    """The cache with the solc that `make tools` brought, where it did."""
    package = ROOT / "node_modules" / "solc" / "package.json"
    folder = cache / f"solc-{OWN}"
    if package.exists() and f'"version": "{OWN}"' in package.read_text() and not folder.exists():
        cache.mkdir(parents=True, exist_ok=True)
        draft = cache / f".seed-{OWN}"
        draft.mkdir(exist_ok=True)
        if not (draft / "node_modules").exists():
            (draft / "node_modules").symlink_to(ROOT / "node_modules")
        (draft / ".whole").touch()
        draft.rename(folder)
    return cache
