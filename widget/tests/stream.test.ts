import { describe, expect, it } from "vitest";

import { retryAfter } from "../src/api";
import { backoff, EventParser, type ServerEvent } from "../src/stream";

const STREAM =
  ": alive\n\nretry: 1500\n\nid: 7\nevent: person_message\ndata: {\"text\": \"hei: ä\"}\n\n: alive\n\n" +
  "event: signal\ndata:{}\n\nevent: empty\n\nevent: unfinished\ndata: x\n";

function read(pieces: readonly string[]): [ServerEvent[], EventParser] {
  const parser = new EventParser();
  return [pieces.flatMap((piece) => parser.push(piece)), parser];
}

describe("the reader of server-sent events", () => {
  const expected: ServerEvent[] = [
    { type: "person_message", data: '{"text": "hei: ä"}' },
    { type: "signal", data: "{}" },
  ];

  it("finds events between signs of life, and the wait", () => {
    const [events, parser] = read([STREAM]);
    expect(events).toEqual(expected);
    expect(parser.retry).toBe(1500);
  });

  it("finds the same in whatever pieces the text comes, and with either line end", () => {
    for (const text of [STREAM, STREAM.replaceAll("\n", "\r\n")]) {
      expect(read([...text])[0]).toEqual(expected);
      for (let cut = 0; cut <= text.length; cut += 1) {
        expect(read([text.slice(0, cut), text.slice(cut)])[0]).toEqual(expected);
      }
    }
  });

  it("keeps the wait where the new one is no number", () => {
    const [events, parser] = read(["data: a\nretry: soon\n\n"]);
    expect(events).toHaveLength(1);
    expect(parser.retry).toBe(2_000);
  });
});

describe("waiting", () => {
  it("doubles up to ten seconds, and is spread", () => {
    expect([1, 2, 3, 10].map((failures) => backoff(failures, () => 1))).toEqual([1_000, 2_000, 4_000, 10_000]);
    expect(backoff(1, () => 0)).toBe(500);
  });

  it("reads seconds and dates, and nothing else", () => {
    const now = Date.parse("2026-11-22T08:00:00Z");
    expect(retryAfter("7", now)).toBe(7_000);
    expect(retryAfter("Sun, 22 Nov 2026 08:00:30 GMT", now)).toBe(30_000);
    expect(retryAfter("99999999", now)).toBe(600_000);
    expect([retryAfter(null, now), retryAfter("", now), retryAfter("later", now)]).toEqual([null, null, null]);
  });
});
