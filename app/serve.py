"""`jongnyang serve`: gunicorn with threads, its workers sharing nothing but the socket and the metrics folder."""

import logging
import os
import shutil
import signal
import tempfile
from dataclasses import replace
from typing import Any

import click
import structlog
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.glogging import Logger

from app.console import Command, open_database, read_settings, say
from app.fleet.faults.remembering import service_started
from app.settings import Settings
from app.texts import Refused, Text
from app.times import now

SERVING = Text(
    "종량 서비스: http://{bind} (작업자 {workers}, 스레드 {threads}). Ctrl-C로 멈춥니다.",
    "Serving on http://{bind} ({workers} workers, {threads} threads). Ctrl-C stops it.",
)
ONE_WRITER = Text(
    "SQLite는 작업자 하나로만 운영합니다. --workers를 빼거나 JONGNYANG_DATABASE_URL에 PostgreSQL을 지정하세요.",
    "SQLite is served by one worker only. Leave out --workers, or name a PostgreSQL in JONGNYANG_DATABASE_URL.",
)
METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
GRACE = 30  # seconds for requests under way when the service stops


@click.command(
    cls=Command,
    ko="서비스를 시작합니다. 주소·작업자·스레드의 기본값은 JONGNYANG_BIND, _WORKERS, _THREADS에서 읽습니다.",
    example="jongnyang serve --bind 0.0.0.0:8000",
)
@click.option("--bind", metavar="HOST:PORT", help="Address to listen on.")
@click.option("--workers", type=click.IntRange(1, 64), help="Worker processes; SQLite takes one.")
@click.option("--threads", type=click.IntRange(1, 256), help="Threads of each worker.")
def serve(bind: str | None, workers: int | None, threads: int | None) -> None:
    """Start the service. Defaults come from JONGNYANG_BIND, _WORKERS and _THREADS."""
    settings = read_settings()
    if settings.embedded and workers not in (None, 1):
        raise Refused(ONE_WRITER)
    settings = replace(
        settings,
        bind=bind or settings.bind,
        workers=workers or settings.workers,
        threads=threads or settings.threads,
    )
    with open_database(settings) as database, database.begin() as session:
        service_started(session, now())
    say(SERVING.fill(bind=settings.bind, workers=settings.workers, threads=settings.threads))
    run(settings)


def run(settings: Settings) -> None:
    """Serve until a signal; SIGTERM and Ctrl-C let requests under way end. The process ends with the service."""
    folder = None
    if settings.workers > 1 and METRICS_FOLDER not in os.environ:
        # prometheus_client decides at its import whether to share; the workers import it after this.
        folder = os.environ[METRICS_FOLDER] = tempfile.mkdtemp(prefix="jongnyang-metrics-")
    try:
        Server(settings).run()
    finally:
        if folder:
            shutil.rmtree(folder, ignore_errors=True)


class Server(BaseApplication):  # type: ignore[misc]
    """gunicorn, told everything by our settings and nothing by its own files and flags."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        super().__init__()

    def load_config(self) -> None:
        options = {
            "bind": self.settings.bind,
            "workers": self.settings.workers,
            "threads": self.settings.threads,
            "worker_class": "gthread",
            "graceful_timeout": GRACE,
            "loglevel": "warning" if self.settings.log_level.upper() == "WARNING" else "info",
            "logger_class": JsonLogger,
            "control_socket_disable": True,
            "post_worker_init": _leave_ctrl_c_to_master,
            "child_exit": _forget_worker,
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        from app.factory import create_app  # in the worker, after the metrics folder was set

        return create_app(self.settings)

    def run(self) -> None:
        GracefulArbiter(self).run()


class GracefulArbiter(Arbiter):  # type: ignore[misc]
    """Ctrl-C stops as SIGTERM does: gunicorn's own way would cut off requests under way."""

    def handle_int(self) -> None:
        self.handle_term()


class JsonLogger(Logger):  # type: ignore[misc]
    """gunicorn's own few messages in the form of all others."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.setFormatter(json_formatter())


def json_formatter() -> logging.Formatter:
    """Standard log records as the JSON lines that `app.logs` writes."""
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.stdlib.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
        ],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
    )


def _leave_ctrl_c_to_master(_worker: Any) -> None:
    # A terminal sends Ctrl-C to every process; only the master may decide when a worker ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _forget_worker(_server: Any, worker: Any) -> None:
    if METRICS_FOLDER in os.environ:
        from prometheus_client import multiprocess

        multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]
