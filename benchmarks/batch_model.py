"""A discrete model of a batch in other processes: stations for its coordinator, its transport and its workers.

See `cluster_scale`, which feeds it with measured costs.
"""

import heapq
import itertools
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

SPREAD = 0.2  # of the times of computing: standard deviation of their logarithm


@dataclass(frozen=True)
class Costs:
    """Seconds that an image takes at each station; ``send`` and ``receive`` share the transport."""

    accept: float
    commit: float
    send: float
    receive: float
    compute: float

    @property
    def bottleneck(self) -> float:
        """Seconds of the slowest station but the workers."""
        return max(self.accept, self.commit, self.send + self.receive)


class Clock:
    """Simulated time."""

    def __init__(self) -> None:
        self.now = 0.0
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._number = itertools.count()

    def after(self, seconds: float, then: Callable[[], None]) -> None:
        """Call back later."""
        heapq.heappush(self._events, (self.now + seconds, next(self._number), then))

    def run(self) -> float:
        """Let everything happen; the time at which it ends."""
        while self._events:
            self.now, _, then = heapq.heappop(self._events)
            then()
        return self.now


class Station:
    """Serves so many at a time, the others in the order in which they came."""

    def __init__(self, clock: Clock, places: int) -> None:
        self._clock, self._free, self._queue = clock, places, deque[tuple[float, Callable[[], None]]]()

    def serve(self, seconds: float, then: Callable[[], None]) -> None:
        """Serve for some seconds, then call back."""
        self._queue.append((seconds, then))
        self._begin()

    def _begin(self) -> None:
        if self._free and self._queue:
            self._free -= 1
            seconds, then = self._queue.popleft()
            self._clock.after(seconds, lambda: self._end(then))

    def _end(self, then: Callable[[], None]) -> None:
        self._free += 1
        then()
        self._begin()


class Batch:
    """A batch on its way through the stations, as `agerestore.batch.runner.run` sends it."""

    def __init__(self, costs: Costs, workers: int, images: int, spread: float = SPREAD, seed: int = 0) -> None:
        self.costs, self.bound, self.left = costs, 2 * workers, images
        self.clock, draw = Clock(), random.Random(seed)
        self.drawn = lambda: costs.compute * draw.lognormvariate(-(spread**2) / 2, spread)  # of the same mean
        self.transport, self.workers = Station(self.clock, 1), Station(self.clock, workers)
        self.flight: deque[list[bool]] = deque()  # each whether it has come back
        self.writing = self.waiting = False

    def run(self) -> float:
        """Seconds of the whole batch."""
        self.clock.after(0, self.proceed)
        return self.clock.run()

    def proceed(self) -> None:
        """What the coordinator's thread does next."""
        self.waiting = False
        is_full = len(self.flight) == self.bound or not self.left
        if self.flight and (self.flight[0][0] or is_full):
            self.write_oldest()
        else:
            self.accept()

    def accept(self) -> None:
        """Read the next image."""
        if self.left:
            self.left -= 1
            self.clock.after(self.costs.accept, self.send)
        elif self.flight:
            self.write_oldest()

    def write_oldest(self) -> None:
        """Commit the oldest image, once it is back and the one before is written."""
        if not self.flight[0][0] or self.writing:
            self.waiting = True
            return
        self.flight.popleft()
        self.writing = True
        self.clock.after(self.costs.commit, self.written)
        self.accept()

    def written(self) -> None:
        """Go on, if that was waited for."""
        self.writing = False
        if self.waiting:
            self.proceed()

    def send(self) -> None:
        """Let an image travel to a worker, be computed there, and come back."""
        is_back = [False]

        def back() -> None:
            is_back[0] = True
            if self.waiting:
                self.proceed()

        self.flight.append(is_back)

        def computed() -> None:
            self.transport.serve(self.costs.receive, back)

        self.transport.serve(self.costs.send, lambda: self.workers.serve(self.drawn(), computed))
        self.proceed()
