/** The agent's configuration for one session: the form of `POST /session`'s schema. */

import { type Problem, plain } from "../../forms/schema";
import { SchemaForm } from "../../forms/schema_form";
import { useSchema } from "../../forms/use_schema";
import { Failed, Loading } from "../../ui/states";

const FIELD = "agentConfig";

interface Props {
  /** Whether it is merged into a saved agent's. */
  merged: boolean;
  value: Record<string, unknown>;
  change(value: Record<string, unknown>): void;
  problems: Problem[];
}

export function ConfigFields({ merged, value, change, problems }: Props) {
  const { schema, error, reload } = useSchema("StartSessionRequest");
  if (error !== null) return <Failed error={error} retry={reload} />;
  if (schema === null) return <Loading what="the form" />;
  const config = plain(schema).properties?.[FIELD] ?? {};
  return (
    <details open={problems.length > 0}>
      <summary>
        {merged ? "Change the saved agent's configuration" : "Configuration"}, for this session only
      </summary>
      <SchemaForm
        schema={{ type: "object", properties: { [FIELD]: config } }}
        value={{ [FIELD]: value }}
        onChange={(given) => {
          change((given[FIELD] ?? {}) as Record<string, unknown>);
        }}
        problems={problems}
      />
    </details>
  );
}
