"""What a person sees while the service comes up."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn


class Steps:
    """A bar that names the present step; plain lines where there is no terminal."""

    def __init__(self, console: Console) -> None:
        """Write to ``console``."""
        self._console = console
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task: TaskID | None = None
        self._said: str | None = None

    def __enter__(self) -> Self:
        """Begin to draw."""
        self._progress.start()
        self._task = self._progress.add_task("starting", total=None)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop drawing."""
        self.finish()

    def finish(self) -> None:
        """Leave the terminal as it was."""
        self._progress.stop()

    def show(self, step: str, done: int, total: int) -> None:
        """Show a step and how far it is; each step once as a line where nobody watches."""
        if self._console.is_terminal and self._task is not None:
            bounded = total if total > 1 else None
            self._progress.update(self._task, description=step, completed=done, total=bounded)
        elif step != self._said:
            self._console.print(f"… {step}", highlight=False, markup=False, soft_wrap=True)
        self._said = step

    def note(self, line: str) -> None:
        """Show an event of a server or child."""
        self._console.print(line, style="dim", highlight=False, markup=False, soft_wrap=True)

    def say(self, line: str) -> None:
        """Show a line with markup; it is never broken, so that it can be copied."""
        self._console.print(line, highlight=False, soft_wrap=True)
