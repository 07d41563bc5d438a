"""Checkpoints are taken between two events and written beside them: the disk is not waited for."""

from concurrent.futures import Future, ThreadPoolExecutor

from quintet.ports.checkpoints import Checkpoints


class BackgroundCheckpoints:
    """Fills `ports.checkpoints.Checkpoints` over another store, with a thread of its own; one is written at a time."""

    def __init__(self, store: Checkpoints) -> None:
        self._store = store
        self._thread = ThreadPoolExecutor(1, "checkpoints")
        self._writing: Future[object] | None = None

    def is_due(self, position: int) -> bool:
        """Not while one is being written."""
        return (self._writing is None or self._writing.done()) and self._store.is_due(position)

    def write(self, position: int, data: bytes) -> None:
        """Begin to write one; raises what the one before ended with."""
        if self._writing is not None:
            self._writing.result()
        self._writing = self._thread.submit(self._store.write, position, data)

    def close(self) -> None:
        """Wait for the last one; raises what it ended with."""
        self._thread.shutdown()
        if self._writing is not None:
            self._writing.result()
