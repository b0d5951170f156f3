"""The one table of endpoints. A new one is a line here, a handler, and a schema when it has a body."""

from __future__ import annotations

from wgreconcile.api.configuration_routes import CONFIGURATION_ROUTES, PEER_ROUTES
from wgreconcile.api.route import Query, Route
from wgreconcile.api.wgdashboard import api_keys, dashboard, sign_in, tools, welcome

_ADDRESS = Query("ipAddress", "An IPv4 or IPv6 address, or a host name.", "192.0.2.1")

ROUTES: tuple[Route, ...] = (
    Route("GET", "/api/handshake", sign_in.handshake, "Tell whether the credentials are good."),
    Route(
        "GET",
        "/api/validateAuthentication",
        sign_in.validate_authentication,
        "Tell whether both cookies belong to a session.",
        public=True,
    ),
    Route(
        "POST",
        "/api/authenticate",
        sign_in.authenticate,
        "Sign in. `message` true leads to the welcome page.",
        body="authenticate",
        public=True,
        may_wait=False,
    ),
    Route("GET", "/api/signout", sign_in.sign_out, "Sign out.", changes_state=True, may_wait=False),
    Route(
        "GET",
        "/api/isTotpEnabled",
        sign_in.is_totp_enabled,
        "Tell whether sign-in asks for a code.",
        data="true or false",
        public=True,
    ),
    Route(
        "GET",
        "/api/Welcome_GetTotpLink",
        welcome.totp_link,
        "The link for an authenticator app, while the second factor is not verified.",
        data="an otpauth link",
    ),
    Route(
        "POST",
        "/api/Welcome_VerifyTotpLink",
        welcome.verify_totp,
        "Switch the second factor on with a code of the authenticator app.",
        body="Welcome_VerifyTotpLink",
    ),
    Route(
        "POST",
        "/api/Welcome_Finish",
        welcome.finish,
        "Choose name and password on the first visit.",
        body="Welcome_Finish",
    ),
    Route(
        "GET",
        "/api/getDashboardAPIKeys",
        api_keys.list_keys,
        "List the API keys that work, the newest first.",
        data="a list of keys",
    ),
    Route(
        "POST",
        "/api/newDashboardAPIKey",
        api_keys.create_key,
        "Make an API key.",
        data="a list of keys, the new one among them",
        body="newDashboardAPIKey",
    ),
    Route(
        "POST",
        "/api/deleteDashboardAPIKey",
        api_keys.delete_key,
        "Delete an API key.",
        data="a list of the keys that are left",
        body="deleteDashboardAPIKey",
    ),
    Route(
        "GET",
        "/api/getDashboardConfiguration",
        dashboard.configuration,
        "All settings, by section and key.",
        data="an object of sections",
    ),
    Route(
        "POST",
        "/api/updateDashboardConfigurationItem",
        dashboard.update_item,
        "Change one setting.",
        body="updateDashboardConfigurationItem",
    ),
    Route("GET", "/api/getDashboardTheme", dashboard.theme, "Colours of the page.", data="a word", public=True),
    Route(
        "GET",
        "/api/getDashboardVersion",
        dashboard.version,
        "The version of WGDashboard that the API answers as.",
        data="a version",
        public=True,
    ),
    Route(
        "GET",
        "/api/getDashboardUpdate",
        tools.update,
        "Tell whether there is a newer release.",
        data="the address of the newer release, or null",
        may_wait=True,
    ),
    *CONFIGURATION_ROUTES,
    *PEER_ROUTES,
    Route(
        "GET",
        "/api/ping/execute",
        tools.ping,
        "Send echo requests, one a second.",
        data="an object of round trips",
        query=(_ADDRESS, Query("count", "How many to send, at most 20.", "4")),
        may_wait=True,
    ),
    Route(
        "GET",
        "/api/traceroute/execute",
        tools.traceroute,
        "Find the routers on the way to an address.",
        data="a list of hops",
        query=(_ADDRESS,),
        may_wait=True,
    ),
)
