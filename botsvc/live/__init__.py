"""Who is told at once that something has happened: streams of events, the desk's screens.

The hub carries no content. A subscriber is woken with the conversation and its last sequence, and reads the
store again; whatever it is told twice, late or not at all, the store holds exactly once.

In a route (asyncio), for one conversation or for all that people may have to do with::

    with service.hub.subscribe(conversation_id) as subscription:
        after = 0
        while not subscription.closed:
            events = await service.work.run(lambda: read_events(conversation_id, after=after))
            ...  # send them, move `after` on
            for live in service.hub.signals(conversation_id):  # who is typing, who looks at it
                ...
            await subscription.wait(15)  # seconds; a Wake, or None when nothing happened meanwhile

    with service.hub.subscribe_desk() as subscription:
        wake = await subscription.wait(15)
        if wake is not None:
            changed = wake.conversations  # id -> last sequence
            everything = wake.lost  # more than was counted: read the whole list again

Subscribe before you read: what happens between is then told. Signals are never stored, and they fade::

    service.hub.signal(conversation_id, Signal(kind=SignalKind.TYPING, actor=agent.id, name=agent.name))
    service.hub.signal(conversation_id, Signal(kind=SignalKind.TYPING, actor="customer"), on=False)

``signal``, ``signals``, ``wake`` and ``wake_desk`` may be called from any thread and never block.
"""

from botsvc.live.hub import CUSTOMER_ACTOR, Hub, Signal, SignalKind, Subscription, Wake

__all__ = ["CUSTOMER_ACTOR", "Hub", "Signal", "SignalKind", "Subscription", "Wake"]
