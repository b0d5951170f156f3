"""Schedules of a peer in WGDashboard's words, where they are jobs (API.md 3.3 and 6.4)."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

from wgreconcile.api.refusal import Refusal
from wgreconcile.api.wgdashboard.dates import FORMAT, moment_text, parse_moment
from wgreconcile.desired.fields import Wrong, amount
from wgreconcile.desired.model import Action, Comparison, Peer, Schedule, Subject
from wgreconcile.desired.wording import show

_FIELDS: dict[str, Subject] = {
    "total_receive": "received",
    "total_sent": "sent",
    "total_data": "total",
    "date": "date",
}
_OPERATORS: dict[str, Comparison] = {"lgt": "above", "lst": "below", "eq": "equal", "neq": "unequal"}
_ACTIONS: dict[str, Action] = {"restrict": "disable", "delete": "delete"}

_FIELD_OF = {subject: field for field, subject in _FIELDS.items()}
_OPERATOR_OF = {comparison: operator for operator, comparison in _OPERATORS.items()}
_ACTION_OF = {action: word for word, action in _ACTIONS.items()}

REMOVED = "Job is removed due to being deleted or finshed."
"""What the job log says of the end of a job (sic: clients may look for it)."""

_FOR_LONG = "1970-01-01 00:00:00"
"""When a schedule was made that somebody wrote by hand: without a date, clients would take it for a new one."""
_NAMESPACE = uuid.UUID("6f1d4f7e-9a0b-5b52-8d5e-0a6b5f6f7d11")


def job_object(interface: str, peer: Peer, schedule: Schedule) -> dict[str, Any]:
    """The object of an active job."""
    return {
        "JobID": job_id(peer, schedule),
        "Configuration": interface,
        "Peer": peer.public_key,
        "Field": _FIELD_OF[schedule.subject],
        "Operator": _OPERATOR_OF[schedule.comparison],
        "Value": _value_text(schedule.value),
        "CreationDate": _utc_text(schedule.created) if schedule.created else _FOR_LONG,
        "ExpireDate": None,
        "Action": action_word(schedule),
    }


def job_id(peer: Peer, schedule: Schedule) -> str:
    """The id that a client has given, or one that stays the same while the schedule does."""
    return schedule.id or str(uuid.uuid5(_NAMESPACE, f"{peer.public_key} {condition_text(schedule)}"))


def action_word(schedule: Schedule) -> str:
    """The action as logs and clients name it."""
    return _ACTION_OF[schedule.action]


def condition_text(schedule: Schedule) -> str:
    """The schedule in the words of the job log."""
    field, operator = _FIELD_OF[schedule.subject], _OPERATOR_OF[schedule.comparison]
    return f"if {field} {operator} {_value_text(schedule.value)} then {action_word(schedule)}"


def schedule_of(job: Mapping[str, Any], created: datetime | None) -> Schedule:
    """The schedule that a client asks for. Raise Refusal, naming the field, when it says nothing sound."""
    subject = _word(job, "Field", _FIELDS)
    value = parse_moment("Value", job["Value"]) if subject == "date" else _amount(job["Value"])
    comparison, action = _word(job, "Operator", _OPERATORS), _word(job, "Action", _ACTIONS)
    return Schedule(subject, comparison, value, action, job["JobID"], created)


def _word(job: Mapping[str, Any], field: str, words: Mapping[str, Any]) -> Any:
    if job[field] not in words:
        raise Refusal(f"{field}: {show(job[field])} is not one of {', '.join(words)}")
    return words[job[field]]


def _amount(value: str) -> Decimal:
    try:
        return amount(value)
    except Wrong as wrong:
        raise Refusal(f"Value: {wrong.problem}") from None


def _value_text(value: Decimal | datetime) -> str:
    return moment_text(value) if isinstance(value, datetime) else str(value)


def _utc_text(moment: datetime) -> str:
    return moment.astimezone(timezone.utc).strftime(FORMAT)
