import { describe, expect, it } from "vitest";

import type { Reply, Said, Transcript } from "../src/api";
import { initial, involvesPeople, lastFromPeople, reduce, type Action, type Model, type Outgoing } from "../src/state";
import { Keeper } from "../src/storage";
import { MemoryShelf, turn } from "./fakes";

const AT = "2026-11-22T08:00:00Z";

function outgoing(id: string, parts: Partial<Outgoing> = {}): Outgoing {
  return { id, text: id, press: null, index: 0, label: "", lang: "fi", at: AT, state: "queued", ...parts };
}

function reply(sequence: number, parts: Partial<Reply> = {}): Reply {
  const common = { conversation_id: "c", owner: "bot", text: "kysymys", said: "vastaus", complete: true } as const;
  return { ...common, sequence, reply: turn("answered"), buttons: [{ press: "helped", index: 0, label: "Kyllä" }], details: [], ...parts };
}

function said(sequence: number, author: Said["author"], parts: Partial<Said> = {}): Said {
  const common = { at: AT, name: "", text: "", press: null, index: 0, client_message_id: "", message: null, article: null };
  return { sequence, author, ...common, ...parts };
}

function transcript(last: number, entries: readonly Said[], parts: Partial<Transcript> = {}): Action {
  const common = { conversation_id: "c", language: "fi", owner: "bot", expires_at: AT, request: null, status_url: "" } as const;
  return { do: "transcript", body: { ...common, csat: { asked: false, score: null }, last_sequence: last, entries, ...parts } };
}

const after = (actions: readonly Action[], from: Model = initial("fi")): Model => actions.reduce(reduce, from);
const shown = (model: Model): string[] => model.view.entries.map((one) => `${one.key} ${one.text}`);

describe("messages", () => {
  it("are queued once, whatever comes twice", () => {
    const model = after([{ do: "queue", items: [outgoing("m1")] }, { do: "queue", items: [outgoing("m1")] }]);
    expect(shown(model)).toEqual(["m1 m1"]);
    const acknowledged = after([{ do: "reply", id: "m1", reply: reply(3), at: AT }, { do: "queue", items: [outgoing("m1")] }], model);
    expect(acknowledged.queue).toEqual([]);
  });

  it("keep their key when they are acknowledged and when they are read again", () => {
    const model = after([
      { do: "queue", items: [outgoing("m1")] },
      { do: "reply", id: "m1", reply: reply(3), at: AT },
    ]);
    expect(shown(model)).toEqual(["m1 kysymys", "b3 vastaus"]);
    const again = after(
      [transcript(5, [said(3, "customer", { client_message_id: "m1", text: "kysymys" }), said(5, "bot", { message: reply(3) })])],
      model,
    );
    expect(again.view.entries.map((one) => one.key)).toEqual(["m1", "b3"]);
    expect(again.view.unread).toBe(model.view.unread);
  });

  it("that the service already has are no longer waiting", () => {
    const model = after([
      { do: "queue", items: [outgoing("m1"), outgoing("m2")] },
      transcript(4, [said(3, "customer", { client_message_id: "m1", text: "m1" })]),
    ]);
    expect(model.queue.map((one) => one.id)).toEqual(["m2"]);
    expect(shown(model)).toEqual(["m1 m1", "m2 m2"]);
  });

  it("make the bot busy, but not people", () => {
    const sending: Action = { do: "mark", id: "m1", state: "sending" };
    const model = after([{ do: "queue", items: [outgoing("m1")] }, sending]);
    expect(model.view.busy).toBe(true);
    const people = after([transcript(1, [], { owner: "agent" }), { do: "queue", items: [outgoing("m1")] }, sending]);
    expect(people.view.busy).toBe(false);
  });
});

describe("buttons", () => {
  const model = after([
    { do: "queue", items: [outgoing("m1")] },
    { do: "reply", id: "m1", reply: reply(3), at: AT },
  ]);

  it("are those of the last reply", () => {
    expect(model.view.buttons).toHaveLength(1);
  });

  it("are gone while an answer to them is awaited", () => {
    expect(after([{ do: "queue", items: [outgoing("m2", { press: "helped" })] }], model).view.buttons).toEqual([]);
  });

  it("are gone when a person takes the conversation", () => {
    const entries = [said(2, "customer", { client_message_id: "m1", text: "m1" }), said(3, "bot", { message: reply(3) })];
    expect(after([transcript(9, entries)], model).view.buttons).toHaveLength(1);
    expect(after([transcript(9, entries, { owner: "agent" })], model).view.buttons).toEqual([]);
  });

  it("give what was pressed its words after a reload", () => {
    const entries = [said(4, "bot", { message: reply(3) }), said(5, "customer", { press: "helped", client_message_id: "m2" })];
    expect(shown(after([transcript(5, entries)])).at(-1)).toBe("m2 Kyllä");
  });
});

describe("a reading of the conversation", () => {
  const theirs = said(8, "agent", { text: "Hei", name: "Maija" });

  it("counts once, however often it comes", () => {
    const model = after([transcript(8, [theirs]), transcript(8, [theirs])]);
    expect(shown(model)).toEqual(["s8 Hei"]);
    expect(lastFromPeople(model)).toBe(8);
  });

  it("does not double the customer's own message, which still waits for its reply", () => {
    const own = said(7, "customer", { client_message_id: "m1", text: "m1" });
    expect(shown(after([{ do: "queue", items: [outgoing("m1")] }, transcript(7, [own])]))).toEqual(["m1 m1"]);
    expect(shown(after([transcript(7, [own])]))).toEqual(["m1 m1"]);
  });

  it("is not undone by an older one that came late", () => {
    const model = after([transcript(8, [theirs], { owner: "agent" }), transcript(6, [])]);
    expect(shown(model)).toEqual(["s8 Hei"]);
    expect(model.owner).toBe("agent");
  });

  it("says who has the conversation", () => {
    const model = after([transcript(4, [], { owner: "queue" })]);
    expect([involvesPeople(initial("fi")), involvesPeople(model)]).toEqual([false, true]);
  });
});

describe("leaving", () => {
  it("drops what is on its way when it is told to", () => {
    const start = after([{ do: "queue", items: [outgoing("m1", { state: "sending" }), outgoing("m2")] }, { do: "drop", id: "m1" }]);
    expect(start.queue.map((one) => one.id)).toEqual(["m2"]);
  });

  it("keeps the draft and what waits, unless all is deleted", () => {
    const start = after([
      { do: "set", to: { draft: "kesken", started: true } },
      transcript(3, [said(3, "customer", { client_message_id: "m0" })]),
      { do: "queue", items: [outgoing("m1", { state: "sending" })] },
    ]);
    const left = after([{ do: "leave", all: false }], start);
    expect(left.view).toMatchObject({ draft: "kesken", started: false });
    expect(left.view.entries).toMatchObject([{ key: "m1", state: "queued" }]);
    expect(after([{ do: "leave", all: true }], start).view).toMatchObject({ draft: "", entries: [] });
  });
});

describe("what is kept", () => {
  it("is left alone when somebody else has written there", () => {
    const shelf = new MemoryShelf();
    const keeper = new Keeper("k", () => shelf, () => shelf);
    for (const found of ["{", "null", "7", '{"id":"c"}', '{"id":1,"token":"t","expires":"x"}']) {
      shelf.kept.set("k", found);
      expect(keeper.access()).toBeNull();
    }
    shelf.kept.set("k:tab", '{"draft":7,"queue":[{"id":"m1"},null],"open":"yes"}');
    expect(keeper.notes()).toEqual({ draft: "", queue: [], open: false, seen: 0 });
  });

  it("stays readable in this page when the browser's shelf is full", () => {
    const full = { getItem: () => null, removeItem: () => undefined, setItem: () => { throw new DOMException("full", "QuotaExceededError"); } };
    const keeper = new Keeper("k", () => full, () => full);
    const access = { id: "c", token: "t", expires: AT };
    keeper.keep(access);
    expect(keeper.access()).toEqual(access);
    keeper.forget();
    expect(keeper.access()).toBeNull();
  });

  it("is the token in the browser and the draft in the tab", () => {
    const [shared, own] = [new MemoryShelf(), new MemoryShelf()];
    const keeper = new Keeper("k", () => shared, () => own);
    keeper.keep({ id: "c", token: "t", expires: AT });
    keeper.note({ draft: "kesken", queue: [], open: true, seen: 2 });
    expect([...shared.kept.keys(), ...own.kept.keys()]).toEqual(["k", "k:tab"]);
    expect(shared.kept.get("k")).not.toContain("kesken");
  });
});
