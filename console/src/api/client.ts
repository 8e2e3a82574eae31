/** Requests to the public HTTP API, authenticated by the console's cookie. */

/** An answer that is an error, with the sentence that the service gives. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly requestId: string | null,
    /** The field that was refused, such as `agentConfig.prompt`. */
    readonly field: string | null = null,
  ) {
    super(message);
  }
}

/** No answer: the service or the network is gone. */
export class Unreachable extends Error {
  constructor() {
    super("The service does not answer. Check the network, and that the service runs.");
  }
}

type Listener = () => void;
const onUnauthenticated = new Set<Listener>();

/** Call `listener` whenever the service no longer knows the session. */
export function whenUnauthenticated(listener: Listener): () => void {
  onUnauthenticated.add(listener);
  return () => onUnauthenticated.delete(listener);
}

export function reportUnauthenticated(): void {
  for (const listener of onUnauthenticated) listener();
}

export interface RequestOptions {
  body?: unknown;
  key?: string;
  signal?: AbortSignal;
}

/** Return the JSON of the answer; raise `ApiError` or `Unreachable`. */
export async function request<T>(
  method: string,
  path: string,
  options: RequestOptions = {},
): Promise<T> {
  const answer = await answerOf(method, path, options);
  if (answer.status === 204) return undefined as T;
  const json = parsed(await answer.text());
  // GET /health/ready answers 503 with what is wrong.
  if (answer.ok || (answer.status === 503 && json?.["checks"] !== undefined)) return json as T;
  throw refused(answer, json, options.key);
}

/** Return the answer to a GET as text; raise `ApiError` or `Unreachable`. */
export async function requestText(path: string): Promise<string> {
  const answer = await answerOf("GET", path, {});
  const text = await answer.text();
  if (!answer.ok) throw refused(answer, parsed(text));
  return text;
}

async function answerOf(
  method: string,
  path: string,
  { body, key, signal }: RequestOptions,
): Promise<Response> {
  const headers: Record<string, string> = { "X-Console": "1" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (key !== undefined) headers["Authorization"] = `Bearer ${key}`;
  const init: RequestInit = { method, headers, credentials: "same-origin", cache: "no-store" };
  if (body !== undefined) init.body = JSON.stringify(body);
  if (signal !== undefined) init.signal = signal;
  try {
    return await fetch(path, init);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Unreachable();
  }
}

function refused(answer: Response, json: Record<string, unknown> | null, key?: string): ApiError {
  const error = apiError(answer, json);
  if (error.status === 401 && key === undefined) reportUnauthenticated();
  return error;
}

export function apiError(answer: Response, json: Record<string, unknown> | null): ApiError {
  const code = typeof json?.["code"] === "string" ? json["code"] : "error";
  const sentence =
    typeof json?.["error"] === "string"
      ? json["error"]
      : `The service answered ${answer.status.toString()}.`;
  const field = typeof json?.["field"] === "string" ? json["field"] : null;
  return new ApiError(answer.status, code, sentence, answer.headers.get("x-request-id"), field);
}

export function parsed(text: string): Record<string, unknown> | null {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return null;
  }
}

/** Return `path` with the parameters that have a value. */
export function withQuery(path: string, parameters: Record<string, string | undefined>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined && value.trim() !== "") query.set(name, value.trim());
  }
  const text = query.toString();
  return text === "" ? path : `${path}${path.includes("?") ? "&" : "?"}${text}`;
}

const TOKENS = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/** Whether no whole number of a JSON text changes when it is read: JavaScript's end at 2^53. */
export function isExact(text: string): boolean {
  const tokens = text.match(TOKENS) ?? [];
  return tokens.every((token) => !/^-?\d{16,}$/.test(token) || BigInt(token) === BigInt(Number(token)));
}
