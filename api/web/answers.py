"""From a checked request to the bytes of its answer, made once for all who ask the same thing together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from wgreconcile.api.envelope import envelope
from wgreconcile.api.request import Cookie, Reply, Request
from wgreconcile.api.route import Route
from wgreconcile.api.services import Services
from wgreconcile.sharing import Group


@dataclass(frozen=True, slots=True)
class Answer:
    """The body of an answer and what goes with it."""

    body: bytes = field(repr=False)
    ok: bool
    cookies: tuple[Cookie, ...]


Answering = Callable[[Request], Answer]


def answering(services: Services, route: Route) -> Answering:
    """What answers the requests of a route. Raises what its handler raises."""

    def answer(request: Request) -> Answer:
        result = route.handler(services, request)
        reply = result if isinstance(result, Reply) else Reply(result)
        return Answer(envelope(reply.data, reply.message, ok=reply.ok), reply.ok, reply.cookies)

    return shared(answer) if route.is_shared else answer


def shared(answer: Answering) -> Answering:
    """``answer``, once for all who come with the same question while the answer before is made.

    Twenty pages that look at ten thousand peers would otherwise take twenty times the time and the memory.
    """

    def work(requests: Sequence[Request]) -> list[Answer | Exception]:
        questions = {_question(each): each for each in requests}
        made = {question: _tried(answer, each) for question, each in questions.items()}
        return [made[_question(each)] for each in requests]

    return Group(work).ask


def _question(request: Request) -> tuple[object, ...]:
    return (*sorted(request.query.items()), *sorted(request.path.items()))


def _tried(answer: Answering, request: Request) -> Answer | Exception:
    try:
        return answer(request)
    except Exception as error:
        return error
