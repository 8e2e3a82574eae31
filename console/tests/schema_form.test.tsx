import { cleanup, fireEvent, render, screen } from "@testing-library/preact";
import { useState } from "preact/hooks";
import { afterEach, describe, expect, it } from "vitest";
import { fieldAt, labelOf, plain, type Problem, type Schema } from "../src/forms/schema";
import { SchemaForm, type Value } from "../src/forms/schema_form";

const AGENT: Schema = {
  type: "object",
  required: ["name"],
  properties: {
    name: { type: "string", pattern: "^.+$" },
    agentConfig: {
      oneOf: [
        {
          type: "object",
          properties: {
            prompt: { type: ["string", "null"] },
            llm: { type: ["string", "null"], default: "openai/gpt-4o-mini" },
            realtime: { type: ["boolean", "null"], default: false },
            noise_cancellation_type: { enum: ["auto", "none", null], default: "auto" },
            tools: { type: ["array", "null"], items: { type: "string" } },
          },
        },
        { type: "null" },
      ],
    },
    variables: {
      oneOf: [{ type: "object", additionalProperties: { type: "string" } }, { type: "null" }],
    },
    retries: { type: "integer", minimum: 1, maximum: 5, default: 3 },
  },
};

let value: Value;

function Form({ initial, problems }: { initial: Value; problems: Problem[] }) {
  const [current, setCurrent] = useState(initial);
  value = current;
  return (
    <form>
      <SchemaForm schema={AGENT} value={current} onChange={setCurrent} problems={problems} />
    </form>
  );
}

function open(initial: Value = {}, problems: Problem[] = []): void {
  value = initial;
  render(<Form initial={initial} problems={problems} />);
}

function type(label: string | RegExp, text: string): void {
  fireEvent.input(screen.getByLabelText(label), { target: { value: text } });
}

function choose(label: string, option: string): void {
  const field = screen.getByLabelText<HTMLSelectElement>(label);
  const found = [...field.options].find((each) => each.textContent === option);
  fireEvent.change(field, { target: { value: found?.value } });
}

afterEach(cleanup);

describe("a form of a schema", () => {
  it("gives what was filled in, and leaves out what was not", () => {
    open();
    type("Name", "support");
    type("Prompt", "Be kind.\nBe short.");
    choose("Realtime", "yes");
    choose("Noise cancellation type", "none");
    type("Retries", "5");
    expect(value).toEqual({
      name: "support",
      agentConfig: {
        prompt: "Be kind.\nBe short.",
        realtime: true,
        noise_cancellation_type: "none",
      },
      retries: 5,
    });

    type("Prompt", "");
    choose("Realtime", "default (no)");
    choose("Noise cancellation type", "default (auto)");
    type("Retries", "");
    expect(value).toEqual({ name: "support" });
  });

  it("keeps what it was given and no user touched, also null and unknown keys", () => {
    const config = { prompt: null, engine: { kind: "pipeline" }, tools: ["a"], llm: 7 };
    open({ name: "support", agentConfig: config });
    type("Name", "sales");
    expect(value).toEqual({ name: "sales", agentConfig: config });
    // A value that is not of the field's type is shown as it is.
    expect(screen.getByLabelText<HTMLTextAreaElement>(/LLM/).value).toBe("7");
  });

  it("adds and removes a list's entries", () => {
    open();
    fireEvent.click(screen.getByRole("button", { name: "Add to Tools" }));
    type("Tools 1", "look_up");
    fireEvent.click(screen.getByRole("button", { name: "Add to Tools" }));
    type("Tools 2", "book");
    expect(value).toEqual({ agentConfig: { tools: ["look_up", "book"] } });
    fireEvent.click(screen.getByRole("button", { name: "Remove look_up" }));
    expect(value).toEqual({ agentConfig: { tools: ["book"] } });
    fireEvent.click(screen.getByRole("button", { name: "Remove book" }));
    expect(value).toEqual({});
  });

  it("edits free-form objects as JSON, and says what is wrong with it", () => {
    open({ name: "support" });
    const field = screen.getByLabelText<HTMLTextAreaElement>(/^Variables/);
    type(/^Variables/, '{"name": "Ann"');
    expect(screen.getByText(/This is not JSON/)).toBeTruthy();
    expect([value, field.checkValidity()]).toEqual([{ name: "support" }, false]);
    type(/^Variables/, "[1]");
    expect(screen.getByText("This must be an object in JSON.")).toBeTruthy();
    type(/^Variables/, '{"id": 12345678901234567890}');
    expect(screen.getByText(/cannot hold a number/)).toBeTruthy();
    type(/^Variables/, '{"name": "Ann"}');
    expect(value).toEqual({ name: "support", variables: { name: "Ann" } });
    expect([screen.queryByText(/in JSON\./), field.checkValidity()]).toEqual([null, true]);

    type(/^Further keys/, '{"engine": {"kind": "pipeline"}}');
    expect(value["agentConfig"]).toEqual({ engine: { kind: "pipeline" } });
    type(/^Further keys/, "");
    expect(value).toEqual({ name: "support", variables: { name: "Ann" } });
  });

  it("shows each problem at its field, and moves the focus to the first one", () => {
    open({}, [
      { path: "agentConfig.realtime", message: "realtime must be true or false." },
      { path: "agentConfig.engine", message: "engine is nested too deeply." },
      { path: "variables.a b", message: "'a b' is no name." },
      { path: "elsewhere", message: "Something else." },
    ]);
    const field = screen.getByLabelText("Realtime");
    expect(field.getAttribute("aria-invalid")).toBe("true");
    const described = document.getElementById(field.getAttribute("aria-describedby") ?? "");
    expect(described?.textContent).toBe("realtime must be true or false.");
    const config = screen.getByRole("group", { name: "Agent config" });
    expect(config.textContent).toContain("engine is nested too deeply.");
    expect(screen.getByLabelText(/^Variables/).getAttribute("aria-invalid")).toBe("true");
    expect(document.activeElement?.textContent).toBe("Something else.");
  });

  it("names every field", () => {
    open({ agentConfig: { tools: [""] } });
    for (const field of document.querySelectorAll("input, select, textarea")) {
      const name = field.getAttribute("aria-label") ?? (field as HTMLInputElement).labels?.[0];
      expect(name).toBeTruthy();
    }
    expect(new Set([...document.querySelectorAll("[id]")].map(({ id }) => id)).size).toBe(
      document.querySelectorAll("[id]").length,
    );
  });
});

describe("a schema", () => {
  it("is made plain where it has one type beside null", () => {
    expect(plain({ type: ["integer", "null"], minimum: 1 })).toMatchObject({
      is: "integer",
      nullable: true,
      minimum: 1,
    });
    expect(plain({ oneOf: [{ oneOf: [{ type: "string" }, { type: "null" }] }] })).toMatchObject({
      is: "string",
      nullable: true,
    });
    expect(plain({ oneOf: [{ type: "string" }, { type: "integer" }] }).is).toBe("any");
    expect(plain({})).toMatchObject({ is: "any" });
  });

  it("finds the field of a path, and names it", () => {
    expect(fieldAt(AGENT, "agentConfig.prompt")).toBe("agentConfig.prompt");
    expect(fieldAt(AGENT, "agentConfig.engine.kind")).toBe("agentConfig");
    expect(fieldAt(AGENT, "nothing")).toBe("");
    expect(labelOf("noise_cancellation_type")).toBe("Noise cancellation type");
    expect(["agentId", "stt", "preCallWebhook"].map(labelOf)).toEqual([
      "Agent ID", "STT", "Pre call webhook",
    ]);
  });
});
