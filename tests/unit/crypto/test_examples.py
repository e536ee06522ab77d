"""The examples in the docstrings run."""

import doctest
import importlib
import pkgutil

import pytest

import bridge.crypto

MODULES = [
    module.name for module in pkgutil.walk_packages(bridge.crypto.__path__, "bridge.crypto.")
]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    result = doctest.testmod(importlib.import_module(name))
    assert result.failed == 0


def test_there_are_examples():
    attempted = sum(doctest.testmod(importlib.import_module(n)).attempted for n in MODULES)
    assert attempted >= 10
