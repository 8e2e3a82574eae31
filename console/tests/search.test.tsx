import { fireEvent, screen, waitFor } from "@testing-library/preact";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { TYPING_MS } from "../src/ui/filters";
import { close, go, newService, open, XSS } from "./page";
import { session } from "./records";
import { type FakeService, json } from "./service";

let service: FakeService;

beforeEach(() => {
  service = newService().on("GET /sessions", ({ url }) => {
    const q = url.searchParams.get("q") ?? "";
    const found = "support-7".startsWith(q) ? [session({ roomName: "support-7" })] : [];
    return json({ sessions: found, nextCursor: null });
  });
  vi.useFakeTimers({ shouldAdvanceTime: true });
});

afterEach(() => {
  vi.useRealTimers();
  close();
});

const box = () => screen.getByLabelText<HTMLInputElement>("Search");
const searched = () =>
  service.requests("GET /sessions").map(({ url }) => url.searchParams.get("q") ?? "");

function type(text: string): void {
  fireEvent.input(box(), { target: { value: text } });
}

async function pause(): Promise<void> {
  await vi.advanceTimersByTimeAsync(TYPING_MS);
}

describe("the search of a list", () => {
  it("is sent once typing pauses, and is in the address", async () => {
    await open("sessions");
    expect(await screen.findByText("support-7")).toBeTruthy();
    for (const text of ["s", "su", "sup "]) type(text);
    await pause();

    await waitFor(() => {
      expect(searched()).toEqual(["", "sup"]);
    });
    expect(location.hash).toBe("#/sessions?q=sup");
    expect(box().value).toBe("sup ");
    expect(await screen.findByText("support-7")).toBeTruthy();
  });

  it("says what it was for where it finds nothing, as text", async () => {
    await open("sessions");
    await screen.findByText("support-7");
    type(XSS);
    fireEvent.change(box());

    expect(await screen.findByText(/No sessions begin with/)).toBeTruthy();
    expect(screen.getByText(XSS).tagName).toBe("Q");
    expect(screen.getByText(/The name or sid of the room, the user identity/)).toBeTruthy();
    fireEvent.click(screen.getByRole("button", { name: "Clear filters" }));
    expect(await screen.findByText("support-7")).toBeTruthy();
    expect(box().value).toBe("");
  });

  it("of a view that was left changes nothing", async () => {
    await open("sessions");
    await screen.findByText("support-7");
    type("sup");
    go("calls");
    await pause();
    await pause();

    expect(location.hash).toBe("#/calls");
    expect(searched()).toEqual([""]);
  });
});
