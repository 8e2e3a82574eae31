/** Server-Sent Events as text becomes messages (https://html.spec.whatwg.org/#parsing-an-event-stream). */

export interface Message {
  id: string | null;
  event: string;
  data: string;
}

/** Takes a stream's text piece by piece, however it is cut, and gives its messages. */
export class EventParser {
  private rest = "";
  private data: string[] = [];
  private event = "";
  private id: string | null = null;
  private started = false;

  push(text: string): Message[] {
    let all = this.rest + text;
    if (!this.started && all.length > 0) {
      this.started = true;
      if (all.startsWith("\uFEFF")) all = all.slice(1);
    }
    const found: Message[] = [];
    let from = 0;
    for (;;) {
      const match = /\r\n|\n|\r/.exec(all.slice(from));
      if (match === null) break;
      const end = from + match.index;
      // A \r at the very end may be half of a \r\n.
      if (match[0] === "\r" && end + 1 === all.length) break;
      const message = this.line(all.slice(from, end));
      if (message !== null) found.push(message);
      from = end + match[0].length;
    }
    this.rest = all.slice(from);
    return found;
  }

  private line(line: string): Message | null {
    if (line === "") return this.dispatched();
    const colon = line.indexOf(":");
    if (colon === 0) return null; // a comment, such as a heartbeat
    const field = colon < 0 ? line : line.slice(0, colon);
    const raw = colon < 0 ? "" : line.slice(colon + 1);
    const value = raw.startsWith(" ") ? raw.slice(1) : raw;
    if (field === "data") this.data.push(value);
    else if (field === "event") this.event = value;
    else if (field === "id" && !value.includes("\0")) this.id = value;
    return null;
  }

  private dispatched(): Message | null {
    const { data, event, id } = this;
    this.data = [];
    this.event = "";
    if (data.length === 0) return null;
    return { id, event: event === "" ? "message" : event, data: data.join("\n") };
  }
}
