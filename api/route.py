"""A line of the route table. Routing, authentication, the OpenAPI document and the reference come from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from wgreconcile.api.request import Request
from wgreconcile.api.services import Services

Handler = Callable[[Services, Request], Any]
"""Returns data for the envelope, or a Reply; raises Refusal or another error of the project."""


@dataclass(frozen=True, slots=True)
class Query:
    """A parameter of the query string, as the reference shows it. Handlers say what is missing or wrong."""

    name: str
    description: str
    example: str
    required: bool = True


@dataclass(frozen=True, slots=True)
class Route:
    """One endpoint.

    ``path`` starts with ``/api/`` and may hold fields, as in ``/api/addPeers/{config}``; a trailing slash of a
    request never matters. ``public``: callable without credentials, for this exact path; a public path holds no
    fields. ``body`` names the JSON Schema ``schemas/requests/<body>.json``. ``changes_state`` routes refuse
    requests that another site made a browser send. ``may_wait``: for a pass, for packets or for other servers, as
    whatever writes desired state does; such requests never hold up others. ``data`` describes ``data`` of a
    good answer. ``is_shared``: the answer is large and the same for whoever asks, so that those who come together
    get one and the same.
    """

    method: Literal["GET", "POST"]
    path: str
    handler: Handler
    summary: str
    data: str = "null"
    body: str | None = None
    query: tuple[Query, ...] = ()
    public: bool = False
    changes_state: bool | None = None
    may_wait: bool | None = None
    is_shared: bool = False

    def __post_init__(self) -> None:
        if self.changes_state is None:
            object.__setattr__(self, "changes_state", self.method == "POST")
        if self.may_wait is None:
            object.__setattr__(self, "may_wait", self.changes_state)
        if self.public and "{" in self.path:
            raise ValueError(f"{self.path}: a public path is exact")
