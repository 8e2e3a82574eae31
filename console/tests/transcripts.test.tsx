import { fireEvent, screen, waitFor } from "@testing-library/preact";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { close, newService, open } from "./page";
import { event, session } from "./records";
import { type FakeService, json } from "./service";

let service: FakeService;

beforeEach(() => {
  service = newService();
});

afterEach(close);

function found(excerpt: string) {
  return { sessionId: "s-1", callId: null, itemId: "i-1", excerpt, createdAt: "2026-11-27T12:00:00.000Z" };
}

async function search(words: string): Promise<void> {
  fireEvent.change(await screen.findByLabelText("Words"), { target: { value: words } });
}

describe("a search in transcripts", () => {
  it("shows what was found as text, with its words marked", async () => {
    const excerpt = "a <mark>refund</mark> of 5 &lt; 6 &amp; &lt;img src=x onerror=&quot;1&quot;&gt; it&#x27;s &amp;lt;";
    service.on("GET /transcripts", () => json({ results: [found(excerpt)], nextCursor: null }));
    await open("transcripts");
    await search("refund");
    const word = await screen.findByText("refund", { selector: "mark" });
    expect(word.parentElement?.textContent).toBe(
      `a refund of 5 < 6 & <img src=x onerror="1"> it's &lt;`,
    );
    expect(document.querySelector("main img")).toBeNull();
    const link = screen.getByRole("link", { name: /12:00:00/ });
    expect(link.getAttribute("href")).toBe("#/sessions/s-1");
  });

  it("says so where there is nothing, and looks again when a transcript comes", async () => {
    service.on("GET /transcripts", () => json({ results: [], nextCursor: null }));
    await open("transcripts");
    expect(await screen.findByText(/Type words/)).toBeTruthy();
    await search("refund");
    await screen.findByText(/Nothing that was said/);
    await screen.findByText("Live");
    service.on("GET /transcripts", () => json({ results: [found("<mark>refund</mark>")] }));
    service.stream.send(event("transcript.ready", session()));
    expect(await screen.findByText("refund", { selector: "mark" })).toBeTruthy();
  });

  it("shows no late answer to what was looked for before", async () => {
    let answer: (response: Response) => void = () => undefined;
    service.on("GET /transcripts", ({ url }) =>
      url.searchParams.get("q") === "old"
        ? new Promise((resolve) => (answer = resolve))
        : json({ results: [found("<mark>new</mark>")], nextCursor: null }),
    );
    await open("transcripts");
    await search("old");
    await waitFor(() => {
      expect(service.requests("GET /transcripts")).toHaveLength(1);
    });
    await search("new");
    await screen.findByText("new", { selector: "mark" });
    answer(json({ results: [found("<mark>old</mark>")], nextCursor: null }));
    await new Promise((done) => setTimeout(done, 50));
    expect(screen.queryByText("old", { selector: "mark" })).toBeNull();
    expect(screen.getByText("new", { selector: "mark" })).toBeTruthy();
  });
});
