"""Progress bars on stderr, and where pictures go."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from bridge.apps.qkd.pictures import require_matplotlib
from bridge.domain.errors import InputError


def progress_bar() -> Progress:
    """A bar that is gone when it is done."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )


def picture_path(picture: Path | None, default: str, pictures: bool) -> Path | None:
    """Where PICTURE.png and PICTURE.svg go, None for nowhere; `InputError` where they cannot."""
    if not pictures:
        return None
    require_matplotlib()
    base = picture or Path(default)
    if not base.absolute().parent.is_dir():
        raise InputError(f"picture: expected a folder that exists, got {base.parent}")
    return base


def say_written(files: list[Path]) -> None:
    """The pictures' names on stderr."""
    for file in files:
        Console(stderr=True, highlight=False).print(f"wrote {file}", markup=False, soft_wrap=True)
