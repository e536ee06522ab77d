"""Addresses in configurations."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError


def _address(text: str, scheme: str, example: str) -> str:
    try:
        parts = urlsplit(text)
        good = parts.scheme == scheme and bool(parts.hostname) and bool(parts.port)
    except ValueError:  # a port above 65535 or of letters
        good = False
    if not good or any(letter.isspace() for letter in text):
        raise PydanticCustomError("address", "expected an address as " + example)
    return text


def _https(text: str) -> str:
    return _address(text, "https", "https://127.0.0.1:8443")


def _http(text: str) -> str:
    return _address(text, "http", "http://127.0.0.1:8090")


HttpsUrl = Annotated[str, AfterValidator(_https)]
HttpUrl = Annotated[str, AfterValidator(_http)]


def host_and_port(url: str) -> tuple[str, int]:
    """Host and port of an address that was checked."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    return parts.hostname, parts.port
