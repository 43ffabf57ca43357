"""Work that is spread over processes of this machine, each with a database connection of its own."""

import multiprocessing
from collections.abc import Callable, Iterable, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from typing import TypeVar

from app.db import Database

Job = TypeVar("Job")
Result = TypeVar("Result")
Work = Callable[[Database, Job], Iterable[Result]]


def spread(database: Database, work: Work[Job, Result], jobs: Sequence[Job]) -> Iterator[Result]:
    """The results of all jobs, as they come: each job in a process of its own, a single one in this.

    Raises RuntimeError once the others are through where a process failed; it has told why on standard error.
    """
    if len(jobs) == 1:
        yield from work(database, jobs[0])
        return
    url = database.engine.url.render_as_string(hide_password=False)
    database.dispose()  # no process may inherit a connection
    context = multiprocessing.get_context("fork")  # anything else would load the program anew, for seconds
    running: dict[Connection, multiprocessing.process.BaseProcess] = {}
    for job in jobs:
        receiver, sender = context.Pipe(duplex=False)
        process = context.Process(target=_work, args=(url, work, job, sender))
        process.start()
        sender.close()
        running[receiver] = process
    yield from _results(running)


def _results(running: dict[Connection, multiprocessing.process.BaseProcess]) -> Iterator[Result]:
    open_, failed = list(running), 0
    while open_:
        for receiver in wait(open_):
            assert isinstance(receiver, Connection)
            try:
                yield receiver.recv()
            except EOFError:
                open_.remove(receiver)
                running[receiver].join()
                failed += running[receiver].exitcode != 0
    if failed:
        raise RuntimeError(f"{failed} of {len(running)} processes failed; what they finished is stored.")


def _work(url: str, work: Work[Job, Result], job: Job, sender: Connection) -> None:
    database = Database(url, pool_size=2)
    for result in work(database, job):
        sender.send(result)
    database.dispose()
