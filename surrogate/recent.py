"""What a process keeps at hand between calls, and never more than a few of each.

A pure function keeps its results with `functools.lru_cache`. Everything else that outlives a call, such as a study that
was opened, is held by a `Recent`.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

__all__ = ["Recent"]

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Recent(Generic[K, V]):
    """At most `size` values by their keys; when another one comes, that which was used longest ago is forgotten.

    Safe between threads. `size` is a whole number of at least 1.

    >>> opened = Recent(2)
    >>> for name in ("a", "b", "c"):
    ...     opened.keep(name, name.upper())
    >>> opened.get("a"), opened.get("c")
    (None, 'C')
    """

    def __init__(self, size: int):
        self.size = size
        self._values: OrderedDict[K, V] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: K) -> V | None:
        """The value of `key`, or None if it was never kept, or is forgotten."""
        with self._lock:
            return self._used(key) if key in self._values else None

    def get_or_make(self, key: K, make: Callable[[], V]) -> V:
        """The value of `key`; if there is none, what `make` returns, which is kept. `make` must not use this object."""
        with self._lock:
            if key not in self._values:
                self._add(key, make())
            return self._used(key)

    def keep(self, key: K, value: V) -> None:
        """Keep `value`, in place of the one that `key` had."""
        with self._lock:
            self._add(key, value)

    def forget(self, key: K) -> None:
        """Forget the value of `key`, if there is one."""
        with self._lock:
            self._values.pop(key, None)

    def values(self) -> list[V]:
        """All values, the one that was used last at the end."""
        with self._lock:
            return list(self._values.values())

    def items(self) -> list[tuple[K, V]]:
        """All keys with their values, the one that was used last at the end."""
        with self._lock:
            return list(self._values.items())

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._values.clear()

    def _add(self, key: K, value: V) -> None:
        self._values[key] = value
        self._used(key)
        while len(self._values) > self.size:
            self._values.popitem(last=False)

    def _used(self, key: K) -> V:
        self._values.move_to_end(key)
        return self._values[key]
