"""How the demonstration talks: a short story on the terminal, with the time each step took."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext

from rich.console import Console
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table


class NotAsToldError(AssertionError):
    """The demonstration claims something that is not so."""


def claim(holds: object, words: str) -> None:
    """Raises `NotAsToldError` unless it holds. Never a bare assert: those can be switched off."""
    if not holds:
        raise NotAsToldError(words)


class Telling:
    """The story on a terminal; `seconds` has what each step took."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False)
        self.seconds: dict[str, float] = {}

    @contextmanager
    def step(self, key: str, title: str) -> Iterator[None]:
        """One step: a title, what is said within, the time. A step that fails is not timed."""
        began = time.monotonic()
        self.console.print(f"\n[bold]{title}[/bold]")
        yield
        self.seconds[key] = round(time.monotonic() - began, 2)
        self.console.print(f"   [dim]{self.seconds[key]:.1f} s[/dim]")

    def say(self, words: str) -> None:
        """One line of the story."""
        self.console.print(Padding(words, (0, 0, 0, 3), expand=False))

    @contextmanager
    def progress(self, words: str, total: int) -> Iterator[Callable[[int], None]]:
        """A bar where somebody watches; the function it yields takes how many more are done."""
        if not self.console.is_terminal:
            yield lambda _: None
            return
        columns = (TextColumn("   {task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=self.console, transient=True) as bar:
            task = bar.add_task(words, total=total)
            yield lambda more: bar.update(task, advance=more)

    def waiting(self, words: str) -> AbstractContextManager[object]:
        """Shows that something is under way, where somebody watches."""
        return self.console.status(words) if self.console.is_terminal else nullcontext()

    def summary(self, title: str, rows: Mapping[str, str]) -> None:
        """The closing table."""
        table = Table(title=title, show_header=False, title_justify="left")
        for name, value in rows.items():
            table.add_row(name, value)
        self.console.print()
        self.console.print(table)
