"""Schedules of peers, which are jobs here: save, delete, log (API.md 6.4)."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import Any

from wgreconcile.api.refusal import Refusal
from wgreconcile.api.request import Request
from wgreconcile.api.runtime.job_log import JobLine
from wgreconcile.api.services import Services
from wgreconcile.api.web.schema import missing
from wgreconcile.api.wgdashboard.dates import date_text
from wgreconcile.api.wgdashboard.job_objects import REMOVED, condition_text, job_id, job_object, schedule_of
from wgreconcile.api.wgdashboard.lookup import require_interface, require_peer
from wgreconcile.desired.draft import Draft
from wgreconcile.desired.model import DesiredState, Peer, Schedule


@dataclass(frozen=True, slots=True)
class _Saved:
    """A job that was saved, and what the log says of that."""

    peer: Peer
    schedule: Schedule
    message: str


def save(services: Services, request: Request) -> list[dict[str, Any]]:
    """Save a new job, or an existing one with another condition; nothing when there is none of its id."""
    job = _complete(_job(services, request))
    is_new = None if services.settings.get().compat in ("v4.2", "v4.3") else _is_new(job)
    now = datetime.fromtimestamp(int(request.now), timezone.utc)

    def edit(draft: Draft) -> _Saved | None:
        peer = _peer(draft.state, job, draft.now)
        wanted = schedule_of(job, now)
        before = next((each for each in peer.schedules if job_id(peer, each) == wanted.id), None)
        if before is None and is_new is False:
            return None
        if before is None or is_new:
            _refuse_used_id(draft.state, wanted.id)
            schedules, message = (*peer.schedules, wanted), f"Job is created {condition_text(wanted)}"
        else:
            wanted = replace(wanted, created=before.created)
            schedules = tuple(wanted if each is before else each for each in peer.schedules)
            message = f"Job is updated from {condition_text(before)}; to {condition_text(wanted)}"
        draft.put_peers(job["Configuration"], [replace(peer, schedules=schedules)])
        return _Saved(peer, wanted, message)

    saved = services.transactions.write(edit).data
    if saved is None:
        return []
    _log(services, request, job, job_id(saved.peer, saved.schedule), saved.message)
    return [job_object(job["Configuration"], saved.peer, saved.schedule)]


def delete(services: Services, request: Request) -> list[dict[str, Any]]:
    """End a job. One that has ended already is no error."""
    job = _job(services, request)
    if _is_new(job):
        raise Refusal("Job does not exist")
    if not job.get("JobID"):
        raise missing("JobID")

    def edit(draft: Draft) -> bool:
        peer = _peer(draft.state, job, draft.now)
        kept = tuple(each for each in peer.schedules if job_id(peer, each) != job["JobID"])
        if len(kept) == len(peer.schedules):
            return False
        draft.put_peers(job["Configuration"], [replace(peer, schedules=kept)])
        return True

    if services.transactions.write(edit).data:
        _log(services, request, job, job["JobID"], REMOVED)
    return []


def logs(services: Services, request: Request) -> list[dict[str, Any]]:
    """What became of the jobs of an interface, the newest first."""
    name = request.path["config"]
    require_interface(services.state_with(name), name)
    return [
        {
            "LogID": line.log_id,
            "JobID": line.job_id,
            "LogDate": date_text(line.at),
            "Status": "1" if line.ok else "0",
            "Message": line.message,
        }
        for line in services.runtime.job_log.of_interface(name)
    ]


def _job(services: Services, request: Request) -> dict[str, Any]:
    """The job of a request, for a peer that exists. Raise Refusal."""
    job = dict(request.body["Job"])
    if not job.get("Peer") or not job.get("Configuration"):
        raise Refusal("Please specify peer and configuration")
    _peer(services.state_with(job["Configuration"]), job, datetime.fromtimestamp(request.now, timezone.utc))
    return job


def _complete(job: dict[str, Any]) -> dict[str, Any]:
    """The job with an id, and its value as text. Raise Refusal for the first field that is missing."""
    if not job.get("JobID"):
        if job.get("CreationDate"):
            raise missing("JobID")
        job["JobID"] = str(uuid.uuid4())
    for field in ("Field", "Operator", "Value", "Action"):
        if job.get(field) in (None, ""):
            raise missing(field)
    return {**job, "Value": str(job["Value"])}


def _peer(state: DesiredState, job: Mapping[str, Any], now: datetime) -> Peer:
    require_interface(state, job["Configuration"])
    message = "Peer does not exist in this configuration"
    return require_peer(state, job["Configuration"], job["Peer"], now, message)


def _is_new(job: Mapping[str, Any]) -> bool | None:
    """What the client says it is; None when it does not say, and its id tells."""
    date = job.get("CreationDate")
    return None if date is None else date == ""


def _refuse_used_id(state: DesiredState, wanted: str) -> None:
    for interface in state.interfaces:
        for peer in interface.peers:
            if any(job_id(peer, each) == wanted for each in peer.schedules):
                raise Refusal("UNIQUE constraint failed: PeerJobs.JobID")


def _log(services: Services, request: Request, job: Mapping[str, Any], name: str, message: str) -> None:
    with services.runtime.afterwards():
        services.runtime.job_log.append([JobLine(name, job["Configuration"], int(request.now), True, message)])
