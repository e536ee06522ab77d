"""The version of a compiler, as a verification request and the compiler itself write it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bridge.domain.errors import SourceRefused

_FORM = re.compile(
    r"v?(?P<release>(\d{1,3})\.(\d{1,3})\.(\d{1,3}))"
    r"(?P<pre>(?:a|b|rc)\d{1,3})?(?:\+commit\.(?P<commit>[0-9a-f]{6,40}))?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Version:
    """``0.8.26+commit.8a97fa7a`` is the release (0, 8, 26) with the commit 8a97fa7a.

    ``pre`` is Vyper's b1 or rc2, empty for a release. The commit is empty where it was not given.
    """

    release: tuple[int, int, int]
    pre: str = ""
    commit: str = ""

    @classmethod
    def parse(cls, text: object) -> Version:
        """The version that ``text`` says; ``SourceRefused`` for nightlies and anything else.

        >>> Version.parse("v0.8.26+commit.8a97fa7a").release
        (0, 8, 26)
        """
        found = _FORM.fullmatch(text) if isinstance(text, str) and len(text) < 100 else None
        if found is None:
            raise SourceRefused(
                "compiler version: expected a release such as 0.8.26+commit.8a97fa7a, "
                f"got {str(text)[:60]!r}",
                "invalid_compiler_version",
            )
        major, minor, patch = (int(found[n]) for n in (2, 3, 4))
        return cls((major, minor, patch), found["pre"] or "", found["commit"] or "")

    @property
    def number(self) -> str:
        """As the package registries have it: 0.8.26, 0.4.0b1."""
        return ".".join(map(str, self.release)) + self.pre

    def __str__(self) -> str:
        return self.number + (f"+commit.{self.commit}" if self.commit else "")

    def is_said_by(self, own: str) -> bool:
        """Whether the compiler that calls itself ``own`` is this one.

        A commit that was given must be the compiler's, as far as the shorter of both goes.
        """
        found = _FORM.match(own)
        if found is None or found["release"] + (found["pre"] or "") != self.number:
            return False
        theirs = found["commit"] or re.sub(r".*\+", "", own)
        return not self.commit or theirs.startswith(self.commit) or self.commit.startswith(theirs)


def own_name(said: str) -> str:
    """A compiler's own name without what it was built for: 0.8.26+commit.8a97fa7a."""
    return re.sub(r"(\+commit\.[0-9a-f]+).*", r"\1", said.strip())
