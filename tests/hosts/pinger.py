"""A steady stream of pings through a tunnel, to see whether anything is lost while it is reconfigured."""

from __future__ import annotations

import re
import signal
import subprocess
import threading
from itertools import pairwise
from types import TracebackType

from .testhost import Host

_ANSWER = re.compile(r"\[(?P<time>[0-9.]+)\] \d+ bytes from .* icmp_seq=(?P<number>\d+) ")
_SENT = re.compile(r"(?P<sent>\d+) packets transmitted")


class Pinger:
    """Pings ``address`` from ``host`` every ``interval`` seconds for as long as the with-block lasts.

    The block begins when the first answer is there. After it: ``sent`` (how many), ``received`` and ``lost``
    (sequence numbers), ``longest_pause`` (seconds between two answers).
    """

    def __init__(self, host: Host, address: str, interval: float = 0.01, patience: float = 10) -> None:
        self.address = address
        self.sent = 0
        self.received: tuple[int, ...] = ()
        self.lost: tuple[int, ...] = ()
        self.longest_pause = 0.0
        self._patience = patience
        self._answers: dict[int, float] = {}
        self._tail: list[str] = []
        self._news = threading.Condition()
        self._start = lambda: host.popen(
            ["ping", "-n", "-D", "-i", str(interval), address], stderr=subprocess.STDOUT
        )

    def __enter__(self) -> Pinger:
        self._process = self._start()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if not self._wait_for(1):
            self._end()
            raise AssertionError(f"no answer from {self.address}: {''.join(self._tail)}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Pings on their way when ping is stopped are not lost ones. Two answers that come from now on show
        # that all earlier ones are due; if there are none, everything after the last answer is lost.
        answering = self._wait_for(len(self._answers) + 2)
        self._end()
        self._count(answering)

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._news:
                if answer := _ANSWER.match(line):
                    self._answers.setdefault(int(answer["number"]), float(answer["time"]))
                else:
                    self._tail.append(line)
                self._news.notify_all()

    def _wait_for(self, answers: int) -> bool:
        with self._news:
            return self._news.wait_for(
                lambda: len(self._answers) >= answers or self._process.poll() is not None, self._patience
            ) and (len(self._answers) >= answers)

    def _end(self) -> None:
        self._process.send_signal(signal.SIGINT)
        self._process.wait()
        self._reader.join()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def _count(self, answering: bool) -> None:
        sent = _SENT.search("".join(self._tail))
        assert sent, f"ping ended early: {''.join(self._tail)}"
        self.received = tuple(sorted(self._answers))
        self.sent = max(self.received) if answering else int(sent["sent"])
        self.lost = tuple(sorted({*range(1, self.sent + 1)} - {*self.received}))
        times = sorted(self._answers.values())
        self.longest_pause = max((b - a for a, b in pairwise(times)), default=0.0)
