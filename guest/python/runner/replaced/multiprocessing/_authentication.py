"""The protocol by which the two sides of a connection prove to each other that they know the same key.

The messages are CPython's. The challenge names the digest, and the answer may use that digest or a stronger
one, never a weaker one. Challenges of Python 3.11 and earlier name no digest; their answers are MD5.
"""

import hmac
import os

from multiprocessing.context import AuthenticationError

MESSAGE_LENGTH = 40

_CHALLENGE, _WELCOME, _FAILURE = b"#CHALLENGE#", b"#WELCOME#", b"#FAILURE#"
_DIGESTS = frozenset({b"md5", b"sha256", b"sha384", b"sha3_256", b"sha3_384"})
# Exactly the challenges and answers that name no digest have these lengths.
_LENGTHS_WITHOUT_DIGEST = (20, 16)
_LONGEST_MESSAGE = 256


def deliver_challenge(connection, authkey, digest_name="sha256"):
    """Makes the other side prove that it knows the key."""
    _check_key(authkey)
    message = b"{%s}%s" % (digest_name.encode("ascii"), os.urandom(MESSAGE_LENGTH))
    connection.send_bytes(_CHALLENGE + message)
    response = connection.recv_bytes(_LONGEST_MESSAGE)
    try:
        _verify_challenge(authkey, message, response)
    except AuthenticationError:
        connection.send_bytes(_FAILURE)
        raise
    connection.send_bytes(_WELCOME)


def answer_challenge(connection, authkey):
    """Proves to the other side that this one knows the key."""
    _check_key(authkey)
    message = connection.recv_bytes(_LONGEST_MESSAGE)
    if not message.startswith(_CHALLENGE):
        raise AuthenticationError(f"Protocol error, expected challenge: {message=}")
    message = message.removeprefix(_CHALLENGE)
    if len(message) < _LENGTHS_WITHOUT_DIGEST[0]:
        raise AuthenticationError(f"challenge too short: {len(message)} bytes")
    connection.send_bytes(_create_response(authkey, message))
    if connection.recv_bytes(_LONGEST_MESSAGE) != _WELCOME:
        raise AuthenticationError("digest sent was rejected")


def _create_response(authkey, message):
    name = _digest_and_code(message)[0]
    if name is None:
        return hmac.digest(authkey, message, "md5")
    # The digest covers the whole message, so that no intermediary can name another digest.
    return b"{%s}%s" % (name.encode("ascii"), hmac.digest(authkey, message, name))


def _verify_challenge(authkey, message, response):
    name, code = _digest_and_code(response)
    expected = hmac.digest(authkey, message, name or "md5")
    if not hmac.compare_digest(expected, code):
        raise AuthenticationError("digest received was wrong")


def _digest_and_code(message):
    """The digest's name, or none if the message names none, and the bytes that follow it."""
    if len(message) in _LENGTHS_WITHOUT_DIGEST:
        return None, message
    name, found, code = message.partition(b"}")
    if found and name[:1] == b"{" and name[1:] in _DIGESTS:
        return name[1:].decode("ascii"), code
    raise AuthenticationError(
        f"unsupported message length, missing digest prefix, or unsupported digest: {message=}"
    )


def _check_key(authkey):
    if not isinstance(authkey, bytes):
        raise ValueError(f"Authkey must be bytes, not {type(authkey)!s}")
