"""The same document for people: one page of HTML, without scripts."""

from __future__ import annotations

import json
import re
from html import escape
from typing import Any

STYLE = """body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}
code,pre{font-family:ui-monospace,monospace;font-size:.9em}pre{background:#f4f4f4;padding:.8rem;overflow:auto}
section{border-top:1px solid #ddd;padding:.6rem 0}table{border-collapse:collapse}td,th{text-align:left;
padding:.2rem 1rem .2rem 0;vertical-align:top}@media(prefers-color-scheme:dark){body{background:#181818;color:#ddd}
pre{background:#262626}section{border-color:#444}a{color:#8bf}}"""


def page(title: str, content: str) -> str:
    """A page of HTML. ``content`` is HTML, ``title`` text."""
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>\n<body>\n{content}\n</body></html>\n"
    )


def reference(document: dict[str, Any], json_path: str) -> str:
    """The page of an OpenAPI document that lies at ``json_path``."""
    sections = [
        _section(method.upper(), path, operation, document["components"]["schemas"])
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    intro = (
        "<h1>wgreconcile HTTP API</h1><p>Every answer is an object of <code>data</code>, <code>message</code> and "
        "<code>status</code>. A request that was refused is HTTP 200 with <code>status</code> false. "
        "Send the header <code>wg-dashboard-apikey</code>, or sign in and keep the cookies. The same as "
        f'<a href="{escape(json_path)}">OpenAPI 3.1</a>.</p>'
    )
    return page("wgreconcile HTTP API", "\n".join([intro, *sections]))


def _section(method: str, path: str, operation: dict[str, Any], schemas: dict[str, Any]) -> str:
    public = " Needs no credentials." if operation.get("security") == [] else ""
    rows = [(each["name"], each["description"], each["schema"]["examples"][0]) for each in operation["parameters"]]
    example = ""
    if "requestBody" in operation:
        name = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        schema = schemas[name]
        rows += [
            (field, its.get("description", ""), json.dumps(its.get("examples", [None])[0]))
            for field, its in schema.get("properties", {}).items()
        ]
        if schema.get("examples"):
            example = f"<pre>{escape(json.dumps(schema['examples'][0], indent=2))}</pre>"
    answer = operation["responses"]["200"]["description"]
    return (
        f'<section id="{escape(operation["operationId"])}"><h2><code>{method} {escape(path)}</code></h2>'
        f"<p>{_prose(operation['summary'])}{public} {_prose(answer)}</p>{_table(rows)}{example}</section>"
    )


def _table(rows: list[tuple[str, str, str]]) -> str:
    if not rows:
        return ""
    lines = "".join(
        f"<tr><td><code>{escape(name)}</code></td><td>{_prose(text)}</td><td><code>{escape(str(value))}</code></td></tr>"
        for name, text, value in rows
    )
    return f"<table><tr><th>Field</th><th>Meaning</th><th>Example</th></tr>{lines}</table>"


def _prose(text: str) -> str:
    """Text as HTML, with what stands between backticks as code."""
    return re.sub("`([^`]+)`", r"<code>\1</code>", escape(text))
