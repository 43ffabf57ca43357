"""How far long work is: in a terminal one line that moves on, elsewhere a line now and then."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from app.console import language
from app.texts import Text

SILENT_FOR = 2.0  # seconds; what is done by then needs no words
IN_TERMINAL, ELSEWHERE = 0.2, 10.0  # seconds between two lines

SO_FAR = Text("{what} {share:.0%}, 남은 시간 약 {left}", "{what} {share:.0%}, about {left} left")
MINUTES = Text("{count}분", "{count} min")
SECONDS = Text("{count}초", "{count} s")


@contextmanager
def progress(what: Text) -> Iterator[Callable[[float], None]]:
    """A function to be told the share of `what` that is done, between 0 and 1."""
    begun = time.monotonic()
    moving = sys.stdout.isatty()
    next_line = begun + SILENT_FOR

    def tell(share: float) -> None:
        nonlocal next_line
        moment = time.monotonic()
        if moment < next_line or not share:
            return
        next_line = moment + (IN_TERMINAL if moving else ELSEWHERE)
        left = _duration((moment - begun) * (1 - share) / share)
        line = SO_FAR.fill(what=what, share=share, left=left).said(language())
        click.echo(f"\r{line}\x1b[K" if moving else line, nl=not moving)

    yield tell
    if moving and next_line > begun + SILENT_FOR:
        click.echo("\r\x1b[K", nl=False)


def _duration(seconds: float) -> Text:
    return MINUTES.fill(count=round(seconds / 60)) if seconds >= 90 else SECONDS.fill(count=round(seconds))
