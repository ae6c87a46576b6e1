"""The host's hottest operations, by the number of an object instead of the object itself.

Their replies are plain numbers here. componentize-py would turn each into a member of an `Enum`, which costs
as much as the call. It looks the class up only after the import of the runner, so `int` takes its place.
"""

from wit_world.imports import direct as host_direct

DONE = host_direct.Reply.DONE.value
ABANDONED = host_direct.Reply.ABANDONED.value
TIMED_OUT = host_direct.Reply.TIMED_OUT.value
NOT_HELD = host_direct.Reply.NOT_HELD.value
NOT_OWNER = host_direct.Reply.NOT_OWNER.value

host_direct.Reply = int

acquire_rlock, release_rlock = host_direct.acquire_rlock, host_direct.release_rlock
acquire_semaphore = host_direct.acquire_semaphore
release_semaphore = host_direct.release_semaphore
is_event_set, wait_event = host_direct.is_event_set, host_direct.wait_event
set_event, clear_event = host_direct.set_event, host_direct.clear_event
put, get = host_direct.put, host_direct.get
send, recv = host_direct.send, host_direct.recv
