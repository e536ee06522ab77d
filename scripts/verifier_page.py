"""Write docs/verifier-match.md: the verifier beside lib-sourcify, each difference with its reason.

    python scripts/verifier_page.py

Reads .cache/sourcify/compared.json, which `make sourcify` has the tests write.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.sourcify.agreement import FOLDER, WORDS  # noqa: E402
from tests.sourcify.reasons import REASONS  # noqa: E402

PAGE = ROOT / "docs" / "verifier-match.md"
HEAD = """\
# The verifier's match beside lib-sourcify

Written by `scripts/verifier_page.py` from a run of `make sourcify`: contracts compiled and deployed
on Anvil, each held against a source by `bridge.verifier.match` and by npm's
`@ethereum-sourcify/lib-sourcify` {version}, which gets the outputs of the same compilers. Where
both match alike, the tests compare transformations and values too, name by name and byte by byte.

"""


def said(answer: dict[str, Any]) -> str:
    """An answer in words."""
    if not answer["runtime"] and not answer["creation"]:
        return f"`{answer['code']}`"
    words = f"{WORDS[answer['runtime']]}, creation {WORDS[answer['creation']]}"
    return words + (f" ({answer['code']})" if answer["code"] else "")


def page(compared: list[dict[str, Any]], version: str) -> str:
    """The whole page."""
    different = [one for one in compared if not one["same"]]
    lines = [HEAD.format(version=version)]
    laxer = [one for one in different if not one["stricter"]]
    unexplained = sorted({one["kind"] for one in different} - REASONS.keys())
    lines.append(
        f"{len(compared)} cases: {len(compared) - len(different)} with the same answer, "
        f"{len(different)} where the verifier is the stricter, {len(laxer)} where it is not; "
        f"{len(unexplained)} kinds of difference without a reason.\n"
    )
    lines.append("\n## Every kind of case\n\n| case | cases | same answer |\n|---|---|---|\n")
    totals = Counter(one["kind"] for one in compared)
    same = Counter(one["kind"] for one in compared if one["same"])
    lines += [f"| {kind} | {count} | {same[kind]} |\n" for kind, count in totals.items()]
    lines.append(
        "\n## The differences\n\n"
        "| case | cases | lib-sourcify | the verifier | why |\n|---|---|---|---|---|\n"
    )
    groups: dict[tuple[str, str, str], int] = {}
    for one in different:
        key = (one["kind"], said(one["theirs"]), said(one["ours"]))
        groups[key] = groups.get(key, 0) + 1
    for (kind, theirs, ours), count in groups.items():
        reason = REASONS.get(kind, "no reason is known")
        lines.append(f"| {kind} | {count} | {theirs} | {ours} | {reason} |\n")
    return "".join(lines)


def main() -> int:
    results = FOLDER / "compared.json"
    package = FOLDER / "node_modules" / "@ethereum-sourcify" / "lib-sourcify" / "package.json"
    for path in (results, package):
        if not path.exists():
            print(f"expected {path.relative_to(ROOT)}: run `make sourcify`", file=sys.stderr)
            return 1
    version = json.loads(package.read_text())["version"]
    PAGE.write_text(page(json.loads(results.read_text()), version))
    print(PAGE.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
