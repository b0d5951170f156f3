"""The tables, one script per version of the schema. A script that was released is never edited: add another.

Times are in seconds since 1970, NULL is never. ``*_mac`` finds a secret without holding it and ``*_sealed`` holds
it encrypted; the key of both is kept outside of the database (docs/adr/0005-api-keys.md).
"""

from __future__ import annotations

_FIRST = """
CREATE TABLE server_key (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    proof BLOB NOT NULL
);

CREATE TABLE account (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    username TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    has_default_password INTEGER NOT NULL,
    is_initial INTEGER NOT NULL DEFAULT 1,
    is_new INTEGER NOT NULL,
    totp_sealed BLOB NOT NULL,
    totp_enabled INTEGER NOT NULL DEFAULT 0,
    totp_verified INTEGER NOT NULL DEFAULT 0,
    totp_spent INTEGER NOT NULL DEFAULT 0,
    totp_last_step INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE api_key (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key_mac BLOB NOT NULL UNIQUE,
    key_sealed BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER
);

CREATE TABLE session (
    token_hash BLOB PRIMARY KEY,
    page_token_hash BLOB NOT NULL,
    created_at REAL NOT NULL,
    confirmed_at REAL NOT NULL,
    expires_at REAL NOT NULL,
    api_key INTEGER REFERENCES api_key (id) ON DELETE CASCADE
) WITHOUT ROWID;

CREATE TABLE login_throttle (
    subject TEXT PRIMARY KEY,
    failures INTEGER NOT NULL,
    last_at REAL NOT NULL,
    known_until REAL NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX login_throttle_by_age ON login_throttle (last_at);

CREATE TABLE access_log (
    id INTEGER PRIMARY KEY,
    at REAL NOT NULL,
    address TEXT NOT NULL,
    caller TEXT NOT NULL,
    method TEXT NOT NULL,
    path TEXT NOT NULL,
    http_status INTEGER NOT NULL,
    ok INTEGER NOT NULL
);

CREATE TABLE share_link (
    id INTEGER PRIMARY KEY,
    link_mac BLOB NOT NULL UNIQUE,
    link_sealed BLOB NOT NULL,
    interface TEXT NOT NULL,
    peer TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER
);
CREATE INDEX share_link_by_peer ON share_link (interface, peer);

CREATE TABLE job_log (
    id INTEGER PRIMARY KEY,
    log_id TEXT NOT NULL UNIQUE,
    job_id TEXT NOT NULL,
    interface TEXT NOT NULL,
    at INTEGER NOT NULL,
    ok INTEGER NOT NULL,
    message TEXT NOT NULL
);
CREATE INDEX job_log_by_interface ON job_log (interface, id);

CREATE TABLE usage (
    interface TEXT NOT NULL,
    peer TEXT NOT NULL,
    run TEXT NOT NULL,
    live_rx INTEGER NOT NULL,
    live_tx INTEGER NOT NULL,
    base_rx INTEGER NOT NULL,
    base_tx INTEGER NOT NULL,
    earlier_rx INTEGER NOT NULL,
    earlier_tx INTEGER NOT NULL,
    latest_handshake INTEGER NOT NULL,
    endpoint TEXT NOT NULL,
    PRIMARY KEY (interface, peer)
) WITHOUT ROWID;
"""

MIGRATIONS: tuple[str, ...] = (_FIRST,)
