"""The OpenAPI 3.1 document, made of the route table and the schemas that requests are checked by."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from wgreconcile.api.route import Query, Route
from wgreconcile.api.web.schema import request_schema

_FIELD = re.compile(r"{(\w+)}")
_ANNOTATIONS = frozenset({"$schema", "$id"})

_ENVELOPE = {
    "type": "object",
    "description": "Every answer. Look at `status`: a request that was understood and refused is HTTP 200, too.",
    "properties": {
        "status": {"type": "boolean", "description": "Whether it was done.", "examples": [True]},
        "message": {
            "type": ["string", "boolean", "null"],
            "description": "What to tell the user.",
            "examples": [None],
        },
        "data": {"description": "What was asked for.", "examples": [None]},
    },
    "required": ["data", "message", "status"],
}

_SECURITY_SCHEMES = {
    "key": {"type": "apiKey", "in": "header", "name": "wg-dashboard-apikey", "description": "An API key."},
    "session": {"type": "apiKey", "in": "cookie", "name": "session", "description": "Made by `authenticate`."},
}


def openapi(prefix: str, routes: Sequence[Route]) -> dict[str, Any]:
    """The document."""
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(prefix + route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "wgreconcile",
            "version": "v4.0.4",
            "description": "The HTTP API of wgreconcile, which clients of WGDashboard v4.0 speak.",
        },
        "paths": paths,
        "components": {
            "schemas": {"Envelope": _ENVELOPE, **_bodies(routes)},
            "securitySchemes": _SECURITY_SCHEMES,
        },
        "security": [{"key": []}, {"session": []}],
    }


def _operation(route: Route) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": re.sub(r"\W+", "_", route.path.removeprefix("/api/")).strip("_"),
        "summary": route.summary,
        "parameters": [*map(_path_parameter, _FIELD.findall(route.path)), *map(_query_parameter, route.query)],
        "responses": {"200": _answer(f"`data`: {route.data}."), "401": _answer("Not authenticated.")},
    }
    if route.public:
        operation["security"] = []
    if route.body:
        reference = {"$ref": f"#/components/schemas/{route.body}"}
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": reference}}}
    return operation


def _bodies(routes: Sequence[Route]) -> dict[str, Any]:
    names = sorted({route.body for route in routes if route.body})
    return {
        name: {key: value for key, value in request_schema(name).items() if key not in _ANNOTATIONS}
        for name in names
    }


def _answer(description: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Envelope"}
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _path_parameter(name: str) -> dict[str, Any]:
    schema = {"type": "string", "examples": ["wg0"]}
    return {"name": name, "in": "path", "required": True, "description": f"The {name}.", "schema": schema}


def _query_parameter(query: Query) -> dict[str, Any]:
    # What is missing is told in the envelope, as v4.0 does, so no parameter is required on this level.
    schema = {"type": "string", "examples": [query.example]}
    return {"name": query.name, "in": "query", "description": query.description, "schema": schema}
