import { describe, expect, it } from "vitest";

import { retryAfter } from "../src/api";
import { backoff, EventParser, type ServerEvent } from "../src/stream";

const STREAM =
  ": alive\r\n\r\nretry: 1500\n\nid: 7\nevent: person_message\ndata: {\"text\":\ndata: \"hei ä\"}\n\n" +
  "data:no space\rid\r\revent: signal\ndata\n\nevent: unfinished\ndata: x\n";

function read(pieces: readonly string[]): [ServerEvent[], EventParser] {
  const parser = new EventParser();
  return [pieces.flatMap((piece) => parser.push(piece)), parser];
}

describe("the reader of server-sent events", () => {
  const expected: ServerEvent[] = [
    { type: "person_message", data: '{"text":\n"hei ä"}', id: "7" },
    { type: "message", data: "no space", id: "" },
    { type: "signal", data: "", id: "" },
  ];

  it("reads every kind of line end, comments, several data lines and the wait", () => {
    const [events, parser] = read([STREAM]);
    expect(events).toEqual(expected);
    expect(parser.retry).toBe(1500);
  });

  it("finds the same in whatever pieces the text comes", () => {
    expect(read([...STREAM])[0]).toEqual(expected);
    for (let cut = 0; cut <= STREAM.length; cut += 1) {
      expect(read([STREAM.slice(0, cut), STREAM.slice(cut)])[0]).toEqual(expected);
    }
  });

  it("does not take a line end cut in two for an empty line", () => {
    expect(read(["data: a\r", "\ndata: b\r", "\n\r", "\n"])[0]).toEqual([{ type: "message", data: "a\nb", id: "" }]);
  });

  it("skips a byte order mark, and waits that are no numbers", () => {
    const [events, parser] = read(["\ufeffdata: a\nretry: soon\n\n"]);
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
