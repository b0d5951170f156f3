"""Bodies of requests: small, shallow, unambiguous JSON objects, or a clear refusal."""

from __future__ import annotations

import json
import math
from collections import Counter
from typing import Any, NoReturn

import falcon

from wgreconcile.api.refusal import Refusal
from wgreconcile.desired.wording import show_text

MOST_BYTES = 1024 * 1024
MOST_DEPTH = 16


def read_body(req: falcon.Request) -> dict[str, Any]:
    """The JSON object of a request, empty when there is no body; what kind of content it claims is all the same.

    Raise Refusal for anything that two readers could take for two things, or that is too much.
    """
    if (req.content_length or 0) > MOST_BYTES:
        raise Refusal(f"The body is larger than {MOST_BYTES // 1024} KiB.")
    content = req.bounded_stream.read(MOST_BYTES + 1)
    return parse_body(content) if content.strip() else {}


def parse_body(content: bytes) -> dict[str, Any]:
    """The object that ``content`` holds. Raise Refusal."""
    try:
        text = content.decode("utf-8")
        data = json.loads(
            text,
            object_pairs_hook=_object,
            parse_float=_finite,
            parse_constant=_no_constant,
        )
    except Refusal:
        raise
    except RecursionError:
        raise _too_deep() from None
    except UnicodeDecodeError:
        raise Refusal("The body is not JSON: it is not UTF-8.") from None
    except json.JSONDecodeError as error:
        raise Refusal(f"The body is not JSON: {error.msg}, line {error.lineno}, column {error.colno}.") from None
    except ValueError:
        raise Refusal("The body is not JSON: a number is out of range.") from None
    if not isinstance(data, dict):
        raise Refusal("The body is not a JSON object.")
    if text.count("[") + text.count("{") > MOST_DEPTH:
        _check_depth(data)
    return data


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) != len(pairs):
        twice = next(name for name, times in Counter(name for name, _ in pairs).items() if times > 1)
        raise Refusal(f"{show_text(twice)}: stands twice in one object")
    return data


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise Refusal("The body is not JSON: a number is out of range.")
    return number


def _no_constant(text: str) -> NoReturn:
    raise Refusal(f"The body is not JSON: {text} is no number.")


def _check_depth(data: Any) -> None:
    level = [data]
    for _ in range(MOST_DEPTH):
        level = [
            each
            for node in level
            for each in (node.values() if isinstance(node, dict) else node)
            if isinstance(each, (dict, list))
        ]
        if not level:
            return
    raise _too_deep()


def _too_deep() -> Refusal:
    return Refusal(f"The body is nested deeper than {MOST_DEPTH} levels.")
