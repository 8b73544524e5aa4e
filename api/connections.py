"""
Ends connections that ask for nothing or read nothing, since uvicorn itself limits only the pauses between requests; and
keeps WebSockets small.
"""

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

_MESSAGE = b"The head of the request did not arrive in time."
_BODY = b'{"errors":[{"message":"%s","extensions":{"code":"TIMED_OUT"}}]}' % _MESSAGE
_HEADERS = b"content-type: application/json\r\ncontent-length: %d\r\nconnection: close" % len(_BODY)
_TOO_LATE: Final = b"HTTP/1.1 408 Request Timeout\r\n%s\r\n\r\n%s" % (_HEADERS, _BODY)


def limited_protocol(head_seconds: float) -> type[HttpToolsProtocol]:
    """
    Make the protocol of connections on which a request's head has to arrive in time.

    Args:
        head_seconds: Longest time from a connection's or a request's beginning to the end of the head; a response that
            its client has stopped to read is dropped after as long.
    """

    class Limited(LimitedProtocol):
        seconds = head_seconds

    return Limited


class LimitedProtocol(HttpToolsProtocol):
    """
    A connection on which a request's head has to arrive in time.

    Attributes:
        seconds: Longest time for a head.
    """

    seconds: float
    _timer: asyncio.TimerHandle | None = None
    _has_begun = _is_upgraded = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        """Begin to wait for the first head."""
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Begin to wait for a further head, where what has arrived is not a whole one."""
        super().data_received(data)
        if self._is_idle() and self.timeout_keep_alive_task is None and not self._is_upgraded:
            self._await_head()

    def on_message_begin(self) -> None:
        """Begin to wait for the end of a head."""
        super().on_message_begin()
        self._has_begun = True
        self._await_head()

    def on_headers_complete(self) -> None:
        """Stop waiting: a head has arrived."""
        self._has_begun = False
        self._stop_waiting()
        super().on_headers_complete()

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection over to WebSocket, which has pauses of its own."""
        self._is_upgraded = True
        super().handle_websocket_upgrade()

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection without a further request."""
        super().timeout_keep_alive_handler()
        self._drop_unread(0)

    def _drop_unread(self, num_before: int) -> None:
        """Break a closing connection off once its client has read nothing of what is left to send for some time."""
        num_unsent = self.transport.get_write_buffer_size()
        if num_unsent and num_unsent == num_before:
            self.transport.abort()
        elif num_unsent:
            self.loop.call_later(self.seconds, self._drop_unread, num_unsent)

    def _is_idle(self) -> bool:
        return (self.cycle is None or self.cycle.response_complete) and not self.transport.is_closing()

    def _await_head(self) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(self.seconds, self._give_up)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        """Close the connection; while the request before is answered, wait on."""
        self._timer = None
        if self.transport.is_closing():
            return
        if not self._is_idle():
            self._await_head()
            return
        if self._has_begun:
            self.transport.write(_TOO_LATE)
        self.transport.close()
        self._drop_unread(0)


class Mailbox:
    """A queue for one reader, with the methods of `asyncio.Queue` that uvicorn uses, in a tenth of its 3 KB."""

    __slots__ = ("_arrived", "_messages")

    def __init__(self) -> None:
        self._messages: list[Any] = []
        self._arrived: asyncio.Future[None] | None = None

    def put_nowait(self, message: Any) -> None:
        """Add a message."""
        self._messages.append(message)
        if self._arrived is not None and not self._arrived.done():
            self._arrived.set_result(None)

    async def get(self) -> Any:
        """Wait for the next message."""
        while not self._messages:
            self._arrived = asyncio.get_running_loop().create_future()
            await self._arrived
        return self._messages.pop(0)

    def empty(self) -> bool:
        """Whether no message waits."""
        return not self._messages


class SmallWebSocket(WebSocketsSansIOProtocol):
    """A WebSocket that forgets its handshake, 4 KB of headers in two forms, once it is done."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.queue = Mailbox()  # type: ignore[assignment]  # has what is used of a queue

    def start_keepalive(self) -> None:
        """Begin to ping, which is the end of the handshake."""
        super().start_keepalive()
        self.request.headers.clear()  # the parser holds the request itself
        del self.response
