"""How answers look on a stream: as server-sent events, or as the parts of a multipart answer."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Protocol

import orjson

from f1graph.api.answers import EVENT_STREAM, MULTIPART, negotiate_stream
from f1graph.api.news.feed import Feed
from f1graph.api.news.operations import Answer, EndedError, refusal

SLOW = refusal("SLOW_SUBSCRIBER", "messages were not taken in time: go on from the last cursor")
_STOPPED = refusal("SERVICE_RESTART", "the service stops: go on from the last cursor")


class StreamKind(Protocol):
    """What a stream says beside its answers.

    Attributes:
        begin: Before the first answer; with it the headers go out.
        beat: Says nothing but that the connection lives.
        slow: To who was too slow, as the last word.
    """

    media_type: str
    begin: bytes
    beat: bytes
    slow: bytes


class Framing(StreamKind, Protocol):
    """How the answers of one operation look.

    Attributes:
        complete: After the last answer.
        stopped: To all, when the service stops, as the last word.
    """

    complete: bytes
    stopped: bytes

    def answer(self, answer: Answer) -> bytes: ...


class EventStream:
    """Server-sent events, by the graphql-sse protocol with one connection for each operation."""

    media_type = f"{EVENT_STREAM}; charset=utf-8"
    begin = beat = b":\n\n"
    complete = b"event: complete\ndata:\n\n"
    slow = b"event: next\ndata: " + SLOW.content + b"\n\n" + complete
    # A stream that breaks off without a word is taken up again, by browsers with the last id they saw.
    stopped = b""

    def answer(self, answer: Answer) -> bytes:
        cursor = b"" if answer.cursor is None else b"id: " + answer.cursor.encode() + b"\n"
        return b"event: next\n" + cursor + b"data: " + answer.content + b"\n\n"


class Multipart:
    """Apollo's multipart subscriptions: each part ends with the next boundary, else it is not read yet."""

    media_type = f'{MULTIPART}; boundary="graphql"; subscriptionSpec=1.0'
    _boundary = b"\r\n--graphql"

    def __init__(self) -> None:
        self.begin = self._boundary
        self.beat = self._part(b"{}")
        self.complete = b"--\r\n"
        self.slow = self._fatal(SLOW)
        self.stopped = self._fatal(_STOPPED)

    def answer(self, answer: Answer) -> bytes:
        return self._part(b'{"payload":' + answer.content + b"}")

    def _part(self, content: bytes) -> bytes:
        return b"\r\ncontent-type: application/json\r\n\r\n" + content + self._boundary

    def _fatal(self, error: EndedError) -> bytes:
        return self._part(orjson.dumps({"payload": None, "errors": error.errors})) + self.complete


def framing_of(accept: str | None) -> Framing | None:
    """How a stream is sent to who accepts one; None if none is accepted."""
    media_type = negotiate_stream(accept)
    if media_type is None:
        return None
    return EventStream() if media_type == EVENT_STREAM else Multipart()


async def framed(
    answers: AsyncGenerator[Answer, None], framing: Framing, feed: Feed
) -> AsyncGenerator[bytes, None]:
    """The answers as they go out, with the last word on why there are no more."""
    async with aclosing(answers):
        try:
            async for answer in answers:
                yield framing.answer(answer)
        except EndedError as error:
            yield framing.answer(Answer(error.content))
        else:
            if feed.stopped.is_set():
                yield framing.stopped
                return
    yield framing.complete


async def ended(error: EndedError, framing: Framing) -> AsyncGenerator[bytes, None]:
    """A stream that only says why it was refused."""
    yield framing.answer(Answer(error.content))
    yield framing.complete
