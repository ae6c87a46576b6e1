"""There is nothing to track: a shared object goes with the last process that holds it."""

__all__ = ["ensure_running", "register", "unregister"]

_LONGEST = 512


class ResourceTracker:
    """Accepts all calls, and does nothing."""

    def getfd(self):
        return -1

    def ensure_running(self):
        pass

    def _stop(self, *arguments, **keywords):
        pass

    def register(self, name, rtype):
        # The limit is CPython's, which sends the message in one atomic write.
        if len(f"REGISTER:{name}:{rtype}\n") > _LONGEST:
            raise ValueError(f"a name of {len(name)} characters is too long")

    def unregister(self, name, rtype):
        pass


_resource_tracker = ResourceTracker()
ensure_running = _resource_tracker.ensure_running
register = _resource_tracker.register
unregister = _resource_tracker.unregister
getfd = _resource_tracker.getfd
