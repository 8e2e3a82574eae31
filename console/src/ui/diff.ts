/** What differs between two versions of a document. */

export interface Change {
  path: string;
  before: string | null;
  after: string | null;
}

/** Every value that differs, by its path; a list counts as one value. */
export function changes(before: unknown, after: unknown): Change[] {
  const [old, current] = [flat(before), flat(after)];
  const paths = [...new Set([...old.keys(), ...current.keys()])].sort();
  return paths
    .map((path) => ({
      path,
      before: old.get(path) ?? null,
      after: current.get(path) ?? null,
    }))
    .filter((change) => change.before !== change.after);
}

function flat(value: unknown, path = "", found = new Map<string, string>()): Map<string, string> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    for (const [name, inner] of Object.entries(value)) {
      flat(inner, path === "" ? name : `${path}.${name}`, found);
    }
  } else if (value !== undefined) {
    found.set(path, typeof value === "string" ? value : JSON.stringify(value));
  }
  return found;
}

export interface Line {
  is: "same" | "removed" | "added";
  text: string;
}

const LONGEST = 400;

/** A text's lines, those of the longest common subsequence only once. */
export function lines(before: string, after: string): Line[] {
  const [a, b] = [before.split("\n"), after.split("\n")];
  if (a.length > LONGEST || b.length > LONGEST) {
    return [
      ...a.map((text): Line => ({ is: "removed", text })),
      ...b.map((text): Line => ({ is: "added", text })),
    ];
  }
  const common = Array.from({ length: a.length + 1 }, () => new Array<number>(b.length + 1).fill(0));
  const at = (i: number, j: number) => common[i]?.[j] ?? 0;
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      const row = common[i];
      if (row === undefined) continue;
      row[j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const found: Line[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    const [old, current] = [a[i], b[j]];
    if (old !== undefined && old === current) {
      found.push({ is: "same", text: old });
      i += 1;
      j += 1;
    } else if (old !== undefined && (current === undefined || at(i + 1, j) >= at(i, j + 1))) {
      found.push({ is: "removed", text: old });
      i += 1;
    } else if (current !== undefined) {
      found.push({ is: "added", text: current });
      j += 1;
    }
  }
  return found;
}
