"""The people of the desk, for its admins."""

from __future__ import annotations

from starlette.responses import Response

from botsvc.desk.guard import Call
from botsvc.errors import StaffError
from botsvc.staff import Profile, Role

#: Somebody heard of within this time is shown as being at the desk.
HERE_SECONDS = 120


def people_page(call: Call) -> Response:
    """Everybody."""
    call.need(Role.ADMIN)
    people = call.desk.staff.people()
    now = call.desk.now()
    here = {one.id for one in people if one.seen_at and (now - one.seen_at).total_seconds() < HERE_SECONDS}
    return call.page("people.html", people=people, here=here)


def person_page(call: Call) -> Response:
    """One person, or the form for a new one."""
    call.need(Role.ADMIN)
    agent_id = call.request.path_params.get("agent", "")
    person = call.desk.staff.person(agent_id) if agent_id else None
    profile = Profile.of(person) if person else Profile(email="", name="", languages=())
    return _form(call, profile, agent_id, done=call.request.query_params.get("done", "")[:20])


def person_saved(call: Call) -> Response:
    """A new or changed person."""
    call.need(Role.ADMIN)
    staff, agent_id = call.desk.staff, call.request.path_params.get("agent", "")
    profile = _profile(call)
    try:
        if agent_id:
            staff.change(agent_id, profile, by=call.me)
        else:
            agent_id = staff.add(profile, call.form.raw("password"), by=call.me).id
    except StaffError as error:
        return _form(call, profile, agent_id, error=error.key)
    return call.to(f"/desk/people/{agent_id}?done=saved")


def password_given(call: Call) -> Response:
    """Another password for somebody; they are signed out everywhere."""
    call.need(Role.ADMIN)
    agent_id = call.request.path_params["agent"]
    try:
        call.desk.staff.set_password(agent_id, call.form.raw("password"), by=call.me)
    except StaffError as error:
        return _form(call, Profile.of(call.desk.staff.person(agent_id)), agent_id, error=error.key)
    return call.to(f"/desk/people/{agent_id}?done=password")


def account_changed(call: Call) -> Response:
    """An account closed, or opened again."""
    call.need(Role.ADMIN)
    agent_id, active = call.request.path_params["agent"], call.form["active"] == "yes"
    try:
        call.desk.staff.set_active(agent_id, active, by=call.me)
    except StaffError as error:
        return _form(call, Profile.of(call.desk.staff.person(agent_id)), agent_id, error=error.key)
    return call.to(f"/desk/people/{agent_id}?done={'opened' if active else 'closed'}")


def _profile(call: Call) -> Profile:
    form = call.form
    room = form["room"]
    return Profile(
        email=form["email"],
        name=form["name"],
        roles=tuple(form.all("role")),
        teams=tuple(form.all("team")),
        languages=_listed(form["languages"].lower()),
        skills=_listed(form["skills"]),
        room=int(room) if room.isascii() and room.isdigit() and len(room) < 4 else -1,
    )


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.replace(";", ",").split(",") if part.strip())


def _form(call: Call, profile: Profile, agent_id: str, *, error: str = "", done: str = "") -> Response:
    person = call.desk.staff.person(agent_id) if agent_id else None
    teams = call.desk.team_names(call.desk.language(call.request, call.session))
    return call.page(
        "person.html",
        status=422 if error else 200,
        person=person,
        profile=profile,
        roles=tuple(Role),
        teams={**{key: key for key in profile.teams}, **teams},
        least=call.desk.service.settings.desk.password_length,
        error=error,
        done=done,
    )
