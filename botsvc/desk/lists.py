"""Call-backs for agents, and the outbox for admins."""

from __future__ import annotations

from starlette.responses import Response

from botsvc.cases import CallbackState, CallOutcome
from botsvc.desk.guard import Call, Refused, onward
from botsvc.errors import UnknownDelivery
from botsvc.handling import may_handle
from botsvc.outbox import retry
from botsvc.staff import Role

MOST_DELIVERIES = 200


def callbacks_page(call: Call) -> Response:
    """Who wishes to be called, the longest waiting first."""
    agent = call.session.agent
    with call.desk.storage.read() as reading:
        found = reading.callbacks(states=[CallbackState.OPEN.value])
        names = {person.id: person.name for person in reading.agents()}
        pairs = [(callback, reading.handoff(callback.handoff_id)) for callback in found]
    rows = [(callback, handoff) for callback, handoff in pairs if handoff and may_handle(agent, handoff)]
    return call.page("callbacks.html", rows=rows, names=names, done=call.request.query_params.get("done", ""))


def called(call: Call) -> Response:
    """A call was made; what came of it."""
    outcome = call.form["outcome"]
    if outcome not in set(CallOutcome):
        raise Refused("choose_reason", 422)
    call.desk.service.tier.cases.attempt(
        call.request.path_params["callback"],
        call.session.agent,
        CallOutcome(outcome),
        note=call.form.raw("note"),
    )
    return call.to(f"{onward(call.form['next']).partition('?')[0]}?done=called")


def outbox_page(call: Call) -> Response:
    """What could not be delivered, and what is being tried again."""
    call.need(Role.ADMIN)
    with call.desk.storage.read() as reading:
        dead = reading.deliveries_in(("dead",), limit=MOST_DELIVERIES)
        pending = reading.deliveries_in(("pending",), limit=MOST_DELIVERIES)
    rows = [*dead, *(one for one in pending if one.error)]
    done = call.request.query_params.get("done", "")
    return call.page("outbox.html", rows=rows, pending=len(pending), done=done)


def retried(call: Call) -> Response:
    """Try one again at once."""
    call.need(Role.ADMIN)
    delivery_id = call.request.path_params["delivery"]
    try:
        with call.desk.storage.write() as writing:
            retry(writing, delivery_id, call.desk.now())
    except UnknownDelivery as error:
        raise Refused("delivery_gone", 409) from error
    call.desk.staff.audit(call.me, "delivery.retried", detail=delivery_id)
    return call.to("/desk/outbox?done=retried")
