/** JSON schemas of the OpenAPI document, as the form needs them. */

import { ApiError, request } from "../api/client";

export interface Schema {
  type?: string | string[];
  enum?: unknown[];
  default?: unknown;
  format?: string;
  pattern?: string;
  minimum?: number;
  maximum?: number;
  maxLength?: number;
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
  oneOf?: Schema[];
  anyOf?: Schema[];
  $ref?: string;
}

/** What the service refused: `path` is `""`, or names joined by dots. */
export interface Problem {
  path: string;
  message: string;
}

/** Return what an answer refused, by its field; empty if the answer names none. */
export function problemsOf(error: Error): Problem[] {
  if (!(error instanceof ApiError) || error.field === null) return [];
  return [{ path: error.field, message: error.message }];
}

interface Document {
  components: { schemas: Record<string, Schema> };
}

let document: Promise<Document> | null = null;

/** Return a component of the service's OpenAPI document, without references; it is read once. */
export async function schemaOf(name: string): Promise<Schema> {
  document ??= request<Document>("GET", "/docs/openapi.json");
  try {
    const { schemas } = (await document).components;
    const found = schemas[name];
    if (found === undefined) throw new Error(`The service's OpenAPI document has no ${name}.`);
    return resolved(found, schemas);
  } catch (error) {
    document = null;
    throw error;
  }
}

const DEEPEST = 8;

function resolved(schema: Schema, schemas: Record<string, Schema>, depth = 0): Schema {
  if (depth > DEEPEST) return {};
  const inner = (each: Schema) => resolved(each, schemas, depth + 1);
  const { $ref, ...rest } = schema;
  if ($ref !== undefined) {
    return { ...inner(schemas[$ref.split("/").at(-1) ?? ""] ?? {}), ...rest };
  }
  const found: Schema = { ...rest };
  if (rest.items) found.items = inner(rest.items);
  if (rest.oneOf) found.oneOf = rest.oneOf.map(inner);
  if (rest.anyOf) found.anyOf = rest.anyOf.map(inner);
  if (rest.properties) {
    found.properties = Object.fromEntries(
      Object.entries(rest.properties).map(([name, each]) => [name, inner(each)]),
    );
  }
  return found;
}

/** A schema without alternatives: its one type, and whether null is one of its values. */
export interface Plain extends Omit<Schema, "type" | "oneOf" | "anyOf"> {
  /** `any` where there are several types. */
  is: "object" | "array" | "string" | "number" | "integer" | "boolean" | "choice" | "any";
  nullable: boolean;
}

const TYPES = new Set(["object", "array", "string", "number", "integer", "boolean"]);

export function plain(schema: Schema): Plain {
  const { oneOf, anyOf, type, ...rest } = schema;
  const alternatives = oneOf ?? anyOf;
  if (alternatives !== undefined) {
    const others = alternatives.filter((each) => each.type !== "null");
    const [only] = others;
    if (others.length !== 1 || only === undefined) return { ...rest, is: "any", nullable: true };
    const inner = plain({ ...only, ...rest });
    return { ...inner, nullable: inner.nullable || others.length < alternatives.length };
  }
  const types = type === undefined ? [] : [type].flat();
  const choices = schema.enum;
  if (choices !== undefined) {
    const nullable = choices.includes(null) || types.includes("null");
    return { ...rest, enum: choices.filter((each) => each !== null), is: "choice", nullable };
  }
  const known = types.filter((each) => each !== "null");
  const [only = ""] = known;
  const is = known.length === 1 && TYPES.has(only) ? (only as Plain["is"]) : "any";
  return { ...rest, is, nullable: types.includes("null") };
}

/** Whether an object has fields of its own; otherwise it is shown as JSON. */
export function hasFields(schema: Plain): boolean {
  return schema.is === "object" && Object.keys(schema.properties ?? {}).length > 0;
}

/** Return the deepest field of the form that contains `path`. */
export function fieldAt(schema: Schema, path: string): string {
  const [name = "", ...rest] = path.split(".");
  const found = plain(schema).properties?.[name];
  if (found === undefined) return "";
  const inner = fieldAt(found, rest.join("."));
  return inner === "" ? name : `${name}.${inner}`;
}

const SHORT = new Set(["ID", "LLM", "STT", "TTS", "URL", "VAD"]);

/** `noise_cancellation_type` → `Noise cancellation type`, `agentId` → `Agent ID`. */
export function labelOf(name: string): string {
  const words = name.replace(/([a-z])([A-Z])/g, "$1_$2").split("_");
  const shown = words.map((word) =>
    SHORT.has(word.toUpperCase()) ? word.toUpperCase() : word.toLowerCase(),
  );
  const text = shown.join(" ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}
