"""The service, the watch for faults and the simulated gateways, kept running together until somebody stops them."""

import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from app.console import Failed, language, say
from app.demo.address import Address
from app.demo.fleet import FLEET_FILE, GATEWAYS_FOLDER
from app.demo.processes import program, running
from app.texts import Text

Process = subprocess.Popen[bytes]

SERVICE_LOG = "service.log"
WATCH_LOG = "watch.log"
LAST_LINES = 5
READY_WITHIN = 60.0  # seconds
LOOK_EVERY = 0.2
KEEP_UP_EVERY = 60.0

SERVICE = Text("서비스", "service")
SIMULATOR = Text("시뮬레이터", "simulator")
WATCH = Text("고장 감시", "watch for faults")
ENDED = Text(
    "{name}가 스스로 끝나(종료 코드 {code}) 데모를 멈췄습니다. 서비스 기록: {log}",
    "The {name} ended by itself (exit code {code}), so the demo was stopped. The service's log: {log}",
)
NOT_READY = Text(
    "서비스가 {seconds:.0f}초가 지나도 준비되지 않아 데모를 멈췄습니다. 서비스 기록: {log}",
    "The service was not ready within {seconds:.0f} s, so the demo was stopped. Its log: {log}",
)
STOPPING = Text("멈추는 중입니다. 진행 중인 배출을 마무리합니다 …", "Stopping; discharges under way are finished …")


class Broken(Failed):
    """Something ended or did not come up that should run: exit code 1."""

    exit_code = 1


@dataclass(frozen=True)
class Play:
    """A demo in the folder `var`, with `rate` discharges a minute, until `stop` is set.

    `keep_up` is called every minute while the gateways run.
    """

    address: Address
    var: Path
    rate: float
    stop: threading.Event
    keep_up: Callable[[], object]

    @property
    def log(self) -> Path:
        """What the service of this run wrote."""
        return self.var / SERVICE_LOG

    def run(self, welcome: Callable[[], None]) -> None:
        """Start the service, call `welcome`, start the watch and the gateways; in the end stop in the opposite order.

        Raises Broken when one of them ends by itself; the others are stopped then.
        """
        serve = [program("jongnyang"), "serve", "--bind", self.address.bind]
        with self.log.open("wb") as log, running(serve, log) as service:
            self._wait_ready(service)
            if self.stop.is_set():
                return
            welcome()
            watch = [program("jongnyang"), "--lang", language(), "fault", "watch", "--send"]
            with (
                (self.var / WATCH_LOG).open("wb") as watch_log,
                running(watch, watch_log) as watching,
                running(self._simulate()) as simulator,
            ):
                self._watch({SERVICE: service, WATCH: watching, SIMULATOR: simulator})
                say(STOPPING)

    def _simulate(self) -> list[str]:
        return [
            *(program("jongnyang-gateway"), "simulate", "--lang", language(), "--url", self.address.url),
            *("--rate", str(self.rate), "--fleet", str(self.var / FLEET_FILE)),
            *("--state-dir", str(self.var / GATEWAYS_FOLDER)),
        ]

    def _wait_ready(self, service: Process) -> None:
        until = time.monotonic() + READY_WITHIN
        while not self.stop.is_set() and not self.address.is_ready():
            self._check(SERVICE, service)
            if time.monotonic() > until:
                raise Broken([NOT_READY.fill(seconds=READY_WITHIN, log=self.log), self._last_lines()])
            self.stop.wait(LOOK_EVERY)

    def _watch(self, processes: dict[Text, Process]) -> None:
        next_time = time.monotonic()
        while not self.stop.wait(LOOK_EVERY):
            for name, process in processes.items():
                self._check(name, process)
            if time.monotonic() >= next_time:
                self.keep_up()
                next_time = time.monotonic() + KEEP_UP_EVERY

    def _check(self, name: Text, process: Process) -> None:
        code = process.poll()
        if code is not None:
            raise Broken([ENDED.fill(name=name, code=code, log=self.log), self._last_lines()])

    def _last_lines(self) -> Text:
        lines = "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-LAST_LINES:])
        return Text(lines, lines)
