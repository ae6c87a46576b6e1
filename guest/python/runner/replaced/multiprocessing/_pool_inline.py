"""The substitute for the host's pool in a `ThreadPool`: calls run at their submission."""

from multiprocessing._pool_jobs import Done


class InlinePool:
    """The substitute for the host's pool in a `ThreadPool`."""

    def submit(self, label, jobs, timeout, notify):
        batch = _InlineBatch()
        batch.add(jobs)
        return batch

    def close(self):
        pass

    terminate = close

    def join(self, timeout):
        pass


class _InlineBatch:
    """The substitute for a batch of the host's pool in a `ThreadPool`."""

    def __init__(self):
        self._values = []

    def add(self, jobs):
        for do, function, items in jobs:
            try:
                self._values.append(Done(True, do(function, items)))
            except Exception as error:
                self._values.append(Done(False, error))

    def is_done(self):
        return True

    def wait(self, timeout):
        pass

    def take_all(self, timeout):
        return self._values

    def next(self, timeout):
        return self._values.pop(0)

    def next_ended(self, timeout):
        return 0, self._values.pop(0)
