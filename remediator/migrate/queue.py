"""Names that wait for their time."""

from __future__ import annotations

import heapq

NEVER = float("inf")


class Queue:
    """Names that wait for their time, the earliest first; of one time in their order."""

    def __init__(self) -> None:
        self._waiting: list[tuple[float, int, str]] = []
        self._count = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, name: str, due: float = 0.0) -> None:
        """Let a name wait until that time."""
        self._count += 1
        heapq.heappush(self._waiting, (due, self._count, name))

    def get(self, at: float) -> str | None:
        """Return a name whose time has come."""
        if not self._waiting or self._waiting[0][0] > at:
            return None
        return heapq.heappop(self._waiting)[2]

    @property
    def due(self) -> float:
        """When the first one's time comes."""
        return self._waiting[0][0] if self._waiting else NEVER
