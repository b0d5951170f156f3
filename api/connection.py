"""Connections of waitress: what cannot be read as a request is answered in the envelope, too."""

from __future__ import annotations

import re

from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.task import ErrorTask

from wgreconcile.api.envelope import MEDIA_TYPE, envelope
from wgreconcile.api.web.body import MOST_BYTES

MOST_HEADER_BYTES = 64 * 1024

_CONTENT_LENGTH = re.compile(rb"\ncontent-length:", re.IGNORECASE)
_TRANSFER_ENCODING = re.compile(rb"\ntransfer-encoding:", re.IGNORECASE)

_MESSAGES = {
    413: f"The body is larger than {MOST_BYTES // 1024} KiB.",
    431: f"The header is larger than {MOST_HEADER_BYTES // 1024} KiB.",
    500: "Internal server error.",
}


class _Parser(HTTPRequestParser):
    """Refuses a body of two lengths, of which a proxy may believe the other one (RFC 9112, 6.1)."""

    def received(self, data: bytes) -> int:
        """Take bytes of the request; returns how many."""
        taken = super().received(data)
        if self.error:
            self.expect_continue = False  # and who asks whether to go on gets the answer at once
        return int(taken)

    def parse_header(self, header_plus: bytes) -> None:
        """Read the request line and the headers. Raise ParsingError."""
        if _TRANSFER_ENCODING.search(header_plus) and _CONTENT_LENGTH.search(header_plus):
            raise ParsingError("Both Content-Length and Transfer-Encoding")
        super().parse_header(header_plus)
        if "TRANSFER_ENCODING" in self.headers:  # waitress takes it away where it obeys it
            raise ParsingError("Transfer-Encoding needs HTTP/1.1")


class _ErrorTask(ErrorTask):
    def execute(self) -> None:
        """Answer the error of a request, and hang up."""
        error = self.request.error
        # What waitress quotes of the request may be a key.
        message = _MESSAGES.get(error.code) or error.body.partition(' "')[0].rstrip(".") + "."
        body = envelope(message=message, ok=False)
        self.status = f"{error.code} {error.reason}"
        self.response_headers.append(("Content-Type", MEDIA_TYPE))
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


class Connection(HTTPChannel):
    """A client's connection."""

    parser_class = _Parser
    error_task_class = _ErrorTask
