# SPDX-License-Identifier: BSD-3-Clause
"""Run services in one process: signals, one task group, an exit status."""

import asyncio
import logging
import os
import signal
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pyaiot.errors import ListenFailed, PyaiotError
from pyaiot.observe.systemd import ServiceManager

_log = logging.getLogger(__name__)

GRACE: Final = 0.8
"""Seconds that services have to end after a signal, so that the process does within one."""

Ready = Callable[[str], None]
LoopFactory = Callable[[], asyncio.AbstractEventLoop]


@dataclass(frozen=True, slots=True)
class Service:
    """A service that `run` can run."""

    name: str
    serve: Callable[[Ready], Coroutine[Any, Any, None]]
    """Runs until cancelled; calls its argument once peers can reach it, with words for the log."""
    options: str = ""
    """What says where it listens, for the message that it cannot."""


class _Stopped(Exception):
    """A signal asked for the end."""


def run(
    *stages: Sequence[Service],
    on_ready: Callable[[], None] | None = None,
    loop_factory: LoopFactory | None = None,
) -> int:
    """Run services until SIGTERM or SIGINT, and return the exit status.

    The services of a stage start together, when all of the stage before are ready. When one ends,
    so do the others: a PyaiotError is raised to the caller, anything else is logged and makes the
    status 1. `on_ready` is called when all are ready. `loop_factory` makes the event loop, where
    it is not to be asyncio's own.
    """
    manager = ServiceManager.of(os.environ, os.getpid())
    # Services may be slow to end, and a thread that looks up a name cannot be cancelled at all.
    deadline = threading.Timer(GRACE, _end_now)
    deadline.daemon = True
    causes: list[BaseException] = []
    try:
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            runner.run(_main(stages, manager, deadline.start, on_ready))
    except BaseExceptionGroup as group:
        causes += (exc for exc in _leaves(group) if not isinstance(exc, _Stopped))
    finally:
        deadline.cancel()
    return _status(causes)


def quick_loop() -> LoopFactory | None:
    """The loop that passes a message on soonest; None where uvloop is not to be had.

    It is for sockets of TCP only: servers of aiocoap stop answering on it.
    """
    try:
        import uvloop  # noqa: PLC0415 - only the broker needs it
    except ImportError:
        return None
    return uvloop.new_event_loop


async def _main(
    stages: Sequence[Sequence[Service]],
    manager: ServiceManager,
    set_deadline: Callable[[], None],
    on_ready: Callable[[], None] | None,
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with asyncio.TaskGroup() as group:
        group.create_task(_until(stop, manager, set_deadline))
        watchdog = group.create_task(manager.keep_informed())
        for stage in stages:
            started = [_start(service, group) for service in stage]
            await asyncio.gather(*started)
        manager.notify("READY=1")
        if on_ready is not None:
            on_ready()
        await watchdog


async def _until(
    stop: asyncio.Event, manager: ServiceManager, set_deadline: Callable[[], None]
) -> None:
    await stop.wait()
    _log.info("stopping")
    manager.notify("STOPPING=1")
    set_deadline()
    raise _Stopped


async def _start(service: Service, group: asyncio.TaskGroup) -> None:
    ready = asyncio.Event()

    def note(words: str) -> None:
        if words:
            _log.info("%s %s", service.name, words)
        ready.set()

    group.create_task(_serve(service, note), name=service.name)
    await ready.wait()


async def _serve(service: Service, ready: Ready) -> None:
    try:
        await service.serve(ready)
    except ListenFailed as exc:
        if not service.options:
            raise
        raise ListenFailed(f"{exc.reason.rstrip('.')} ({service.options})") from exc
    raise RuntimeError(f"{service.name} ended by itself")


def _status(causes: Sequence[BaseException]) -> int:
    crashes = [exc for exc in causes if not isinstance(exc, PyaiotError)]
    for exc in crashes:
        _log.critical("crashed: %s", exc, exc_info=exc)
    if causes and not crashes:
        raise causes[0]
    return 1 if causes else 0


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for exc in group.exceptions:
        if isinstance(exc, BaseExceptionGroup):
            yield from _leaves(exc)
        else:
            yield exc


def _end_now() -> None:
    _log.warning("ending without waiting for what still runs")
    logging.shutdown()
    os._exit(0)
