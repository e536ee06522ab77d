"""docs/verdicts.md names the tests and contracts that are there, and the settings as they are."""

from __future__ import annotations

import re
import tomllib

from bridge.apps.verdicts_config import PolicyConfig, VerdictsConfig
from tests.architecture.test_packages import ROOT
from tests.architecture.test_threat_model import NAMED, defined

TEXT = (ROOT / "docs" / "verdicts.md").read_text()


def test_each_test_that_is_named_is_there() -> None:
    found = NAMED.findall(TEXT)
    assert len(found) > 15
    known = {path: defined(path) for path in {path for path, _ in found}}
    assert [(path, name) for path, name in found if name not in known[path]] == []


def test_each_contract_that_is_named_is_there() -> None:
    named = re.findall(r"`(contracts/[\w/]+\.sol)`", TEXT)
    assert len(named) >= 2
    assert [path for path in named if not (ROOT / path).is_file()] == []


def test_the_settings_are_read_as_they_stand() -> None:
    blocks = [tomllib.loads(block) for block in re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)]
    merged = {name: value for block in blocks for name, value in block.items()}
    assert set(merged["verdicts"]) <= set(VerdictsConfig.model_fields)
    VerdictsConfig(**merged["verdicts"])
    policy = merged["relayer"]["verdicts"]
    assert set(policy) == set(PolicyConfig.model_fields)
    PolicyConfig(**policy).policy()
