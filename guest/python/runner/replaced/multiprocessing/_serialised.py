"""Connections whose objects travel as XML, for managers whose serialiser is `xmlrpclib`."""


class ConnectionWrapper:
    """A connection whose objects travel in another form than pickles."""

    def __init__(self, conn, dumps, loads):
        self._conn = conn
        self._dumps = dumps
        self._loads = loads
        for name in ("fileno", "close", "poll", "recv_bytes", "send_bytes", "_host_handle"):
            setattr(self, name, getattr(conn, name))

    def send(self, obj):
        """Sends an object."""
        self._conn.send_bytes(self._dumps(obj))

    def recv(self):
        """Receives an object."""
        return self._loads(self._conn.recv_bytes())


def _xml_dumps(obj):
    from xmlrpc import client

    return client.dumps((obj,), allow_none=True).encode("utf-8")


def _xml_loads(text):
    from xmlrpc import client

    ((obj,), _) = client.loads(text.decode("utf-8"))
    return obj
