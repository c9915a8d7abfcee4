"""Threads that hand one baton on: exactly one runs at any time, and a seeded generator says which is next.

So real, synchronous code is interleaved at every storage call, and one seed is one history, always the same.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from random import Random


class Crash(BaseException):
    """The process is gone: nothing may catch this but the scheduler."""


SLOWNESS = 0.95
"""How often a slow task that is drawn lets the others go on instead."""


class _Task:
    def __init__(self, body: Callable[[], None], ended: threading.Semaphore, *, slow: bool) -> None:
        self.slow = slow
        self.go = threading.Semaphore(0)
        self.done = False
        self.failure: BaseException | None = None
        self._body = body
        self._ended = ended
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        self.go.acquire()
        try:
            self._body()
        except BaseException as failure:  # noqa: BLE001 - handed to the scheduler, which decides
            self.failure = failure
        self.done = True
        self._ended.release()


class Scheduler:
    """Runs tasks, and calls that arrive late, one step at a time in an order drawn from `random`."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.steps = 0
        self.crashes = 0
        self.failures: list[BaseException] = []
        self._paused = threading.Semaphore(0)
        self._tasks: list[_Task] = []
        self._late: list[Callable[[], object]] = []
        self._current: _Task | None = None

    def spawn(self, body: Callable[[], None], *, slow: bool = False) -> None:
        """Add a task; it begins when it is drawn. May be called from within a task."""
        self._tasks.append(_Task(body, self._paused, slow=slow))

    def later(self, call: Callable[[], object]) -> None:
        """A call already sent that arrives some time from now, whether or not its sender still lives."""
        self._late.append(call)

    def pause(self) -> None:
        """Called by the running task: let the scheduler choose who goes on."""
        task = self._current
        assert task is not None
        self._paused.release()
        task.go.acquire()

    def run(self) -> None:
        """Until no task and no late call is left."""
        while self._tasks or self._late:
            self.steps += 1
            choice = self.random.randrange(len(self._tasks) + (1 if self._late else 0))
            if choice == len(self._tasks):
                self._arrive(self._late.pop(self.random.randrange(len(self._late))))
                continue
            if self._tasks[choice].slow and len(self._tasks) > 1 and self.random.random() < SLOWNESS:
                continue
            task = self._current = self._tasks[choice]
            task.go.release()
            self._paused.acquire()
            if task.done:
                task.thread.join()
                self._tasks.remove(task)
                if isinstance(task.failure, Crash):
                    self.crashes += 1
                elif task.failure is not None:
                    self.failures.append(task.failure)

    def _arrive(self, call: Callable[[], object]) -> None:
        try:
            call()
        except Exception as failure:  # noqa: BLE001 - nobody hears the answer; the world reports it
            self.failures.append(failure)
