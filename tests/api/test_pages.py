"""The page, its files, the OpenAPI document and the reference."""

from __future__ import annotations

import json
import shutil
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from wgreconcile.api.routes import ROUTES
from wgreconcile.api.web.frontend import Frontend
from wgreconcile.errors import UsageError

from .dashboard import Caller, refused

SCHEMAS = sorted(
    each.name.removesuffix(".json") for each in (resources.files("wgreconcile.schemas") / "requests").iterdir()
)


class TestOwnPage:
    def test_says_what_this_is(self, stranger: Caller) -> None:
        result = stranger.send("GET", "/")
        assert result.status_code == 200
        assert result.headers["content-type"] == "text/html; charset=utf-8"
        assert "default-src 'none'" in result.headers["content-security-policy"]
        assert 'href="/api/reference"' in result.text
        assert "access-control-allow-origin" not in result.headers

    def test_no_files(self, stranger: Caller) -> None:
        result = stranger.send("GET", "/static/nothing.js")
        assert (result.status_code, result.json) == (404, refused("Not found."))


class TestFrontend:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        """As WGDashboard v4.0 is built."""
        dist = tmp_path / "src" / "static" / "app" / "dist"
        (dist / "assets").mkdir(parents=True)
        (dist / "index.html").write_text("<!DOCTYPE html><title>page</title>")
        (dist / "assets" / "index.js").write_text("let x;")
        (tmp_path / "src" / "static" / "img").mkdir()
        (tmp_path / "src" / "static" / "img" / "logo.png").write_bytes(b"\x89PNG")
        (tmp_path / "src" / "static" / ".env").write_text("SECRET")
        (tmp_path / "src" / "dashboard.py").write_text("SECRET")
        (tmp_path / "secret").write_text("SECRET")
        (tmp_path / "src" / "static" / "link").symlink_to(tmp_path / "secret")
        return tmp_path / "src"

    @pytest.fixture
    def caller(self, make_app: Any, app: Any, folder: Path) -> Caller:
        return Caller(make_app(frontend=folder))

    def test_index(self, caller: Caller) -> None:
        result = caller.send("GET", "/")
        assert result.text == "<!DOCTYPE html><title>page</title>"
        assert result.headers["cache-control"] == "no-cache"

    @pytest.mark.parametrize("name", ["", "static"])
    def test_folder_may_be_the_source_or_its_static_part(
        self, make_app: Any, app: Any, folder: Path, name: str
    ) -> None:
        caller = Caller(make_app(frontend=folder / name))
        assert caller.send("GET", "/").status_code == 200
        assert caller.send("GET", "/static/img/logo.png").content == b"\x89PNG"

    def test_folder_may_be_the_one_of_the_index(
        self, make_app: Any, app: Any, folder: Path, tmp_path: Path
    ) -> None:
        dist = shutil.copytree(folder / "static" / "app" / "dist", tmp_path / "copied")
        (dist / "index.html").write_text('<script type="module" src="/static/app/dist/assets/index.js"></script>')
        caller = Caller(make_app(frontend=dist))
        assert caller.send("GET", "/static/app/dist/assets/index.js").text == "let x;"
        assert caller.send("GET", "/static/app/dist/../../../secret").status_code == 404

    def test_page_without_its_files(self, folder: Path) -> None:
        index = folder / "static" / "app" / "dist" / "index.html"
        index.write_text('<link href="/static/app/dist/assets/index.css">')
        with pytest.raises(UsageError, match=r"it needs /static/app/dist/assets/index\.css"):
            Frontend(folder)

    def test_files(self, caller: Caller) -> None:
        script = caller.send("GET", "/static/app/dist/assets/index.js")
        assert script.text == "let x;"
        assert script.headers["content-type"] == "text/javascript; charset=utf-8"
        assert script.headers["cache-control"] == "no-cache", "the build of a later version has the same name"
        image = caller.send("GET", "/static/img/logo.png")
        assert image.headers["content-type"] == "image/png"
        assert image.headers["cache-control"] == "no-cache"
        assert caller.send("HEAD", "/static/img/logo.png").content == b""

    def test_unchanged_file_is_not_sent_again(self, caller: Caller, folder: Path) -> None:
        path = "/static/app/dist/assets/index.js"
        tag = caller.send("GET", path).headers["etag"]
        result = caller.send("GET", path, headers={"If-None-Match": tag})
        assert (result.status_code, result.content) == (304, b"")
        assert result.headers["etag"] == tag
        (folder / "static" / "app" / "dist" / "assets" / "index.js").write_text("let y, z;")
        assert caller.send("GET", path, headers={"If-None-Match": tag}).text == "let y, z;"

    @pytest.mark.parametrize(
        "name",
        [
            "../dashboard.py",
            "..%2fdashboard.py",
            "%2e%2e/dashboard.py",
            "img/../../dashboard.py",
            "/etc/passwd",
            "%2fetc/passwd",
            "link",
            ".env",
            "img",
            "",
            "x%00y",
            "a" * 5000,
            "..\\dashboard.py",
        ],
    )
    def test_nothing_else(self, caller: Caller, name: str) -> None:
        result = caller.send("GET", f"/static/{name}")
        assert result.status_code in (401, 404)
        assert "SECRET" not in result.text and "root:" not in result.text

    def test_folder_without_index(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match=r"no index\.html"):
            Frontend(tmp_path)


class TestOpenApi:
    @pytest.fixture
    def document(self, stranger: Caller) -> dict[str, Any]:
        found: dict[str, Any] = stranger.send("GET", "/api/openapi.json").json
        return found

    def test_every_route_is_in_it(self, document: dict[str, Any]) -> None:
        assert document["openapi"] == "3.1.0"
        operations = {(m.upper(), p) for p, methods in document["paths"].items() for m in methods}
        assert operations == {(route.method, route.path) for route in ROUTES}

    def test_public_ones_need_no_security(self, document: dict[str, Any]) -> None:
        assert document["paths"]["/api/authenticate"]["post"]["security"] == []
        assert "security" not in document["paths"]["/api/handshake"]["get"]

    @pytest.mark.parametrize(
        "name",
        [
            "newDashboardAPIKey",
            "deleteDashboardAPIKey",
            "updateDashboardConfigurationItem",
            "Welcome_VerifyTotpLink",
        ],
    )
    def test_what_may_ask_for_the_password_says_where_it_goes(self, document: dict[str, Any], name: str) -> None:
        assert document["components"]["schemas"][name]["properties"]["currentPassword"]["writeOnly"]

    def test_operation_ids_are_unique(self, document: dict[str, Any]) -> None:
        ids = [each["operationId"] for methods in document["paths"].values() for each in methods.values()]
        assert len(set(ids)) == len(ids)

    def test_references_lead_somewhere(self, document: dict[str, Any]) -> None:
        for reference in set(json.dumps(document).split('"$ref": "#/components/schemas/')[1:]):
            assert reference.partition('"')[0] in document["components"]["schemas"]


class TestReference:
    def test_names_every_path(self, stranger: Caller) -> None:
        text = stranger.send("GET", "/api/reference").text
        assert all(f"{route.method} {route.path}" in text for route in ROUTES)
        assert "<script" not in text

    def test_names_of_fields_are_code(self, stranger: Caller) -> None:
        text = stranger.send("GET", "/api/reference").text
        assert "<code>message</code> true leads to the welcome page" in text
        assert "`" not in text


class TestSchemas:
    def test_each_is_used_and_each_used_one_is_there(self) -> None:
        assert {route.body for route in ROUTES if route.body} <= set(SCHEMAS)
        assert all(route.body for route in ROUTES if route.method == "POST")

    @pytest.mark.parametrize("name", SCHEMAS)
    def test_every_field_has_title_description_and_examples(self, name: str) -> None:
        path = resources.files("wgreconcile.schemas") / "requests" / f"{name}.json"
        schema = json.loads(path.read_text())
        Draft202012Validator.check_schema(schema)
        assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
        assert schema["$id"] == f"requests/{name}.json"
        assert schema.get("additionalProperties", True) is True
        for field, its in schema["properties"].items():
            assert its["title"] and its["description"] and its["examples"], field
            assert all(Draft202012Validator(its).is_valid(each) for each in its["examples"]), field
        assert all(Draft202012Validator(schema).is_valid(each) for each in schema["examples"])
