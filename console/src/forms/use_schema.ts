/** A component of the service's OpenAPI document. */

import { useEffect, useState } from "preact/hooks";
import { type Schema, schemaOf } from "./schema";

export interface UsedSchema {
  schema: Schema | null;
  error: Error | null;
  reload(): void;
}

export function useSchema(name: string): UsedSchema {
  const [schema, setSchema] = useState<Schema | null>(null);
  const [error, setError] = useState<Error | null>(null);
  const reload = () => {
    setError(null);
    schemaOf(name).then(setSchema, setError);
  };
  useEffect(reload, [name]);
  return { schema, error, reload };
}
