import { describe, expect, it } from "vitest";
import { EventParser } from "../src/live/parse_events";

const STREAM =
  "\uFEFF: heartbeat\r\nid: 1\nevent: call.created\ndata: {\"a\":\rdata: 1}\n\n" +
  "data:no space\r\n\r\nevent: nothing to tell\n\nid: 2\ndata\n\nignored: x\ndata: last\n\n";
const MESSAGES = [
  { id: "1", event: "call.created", data: '{"a":\n1}' },
  { id: "1", event: "message", data: "no space" },
  { id: "2", event: "message", data: "" },
  { id: "2", event: "message", data: "last" },
];

describe("a stream's text", () => {
  it("gives the same messages however it is cut", () => {
    for (let size = 1; size <= STREAM.length; size += 1) {
      const parser = new EventParser();
      const found = [];
      for (let at = 0; at < STREAM.length; at += size) {
        found.push(...parser.push(STREAM.slice(at, at + size)));
      }
      expect(found).toEqual(MESSAGES);
    }
  });

  it("gives no message whose end has not come", () => {
    expect(new EventParser().push("data: half\n")).toEqual([]);
  });
});
