/** What a session has used of models, and what that costs. */

import type { Cost, ModelUsage, Usage } from "../api/conversation";
import { about } from "../live/concerns";
import { money, seconds } from "../ui/format";
import { RawJson } from "../ui/parts";
import { Empty, Failed, Loading } from "../ui/states";
import { useFollowed } from "../ui/use_followed";

export function UsagePanel({ sessionId, path }: { sessionId: string; path: string }) {
  const { value, error, reload } = useFollowed<Usage>(path, about([sessionId], ["usage.ready"]));
  return (
    <>
      <h2>Usage</h2>
      {error !== null && <Failed error={error} retry={() => void reload()} />}
      {value === null && error === null && <Loading what="usage" />}
      {value?.models.length === 0 && (
        <Empty>
          <p>
            No usage was reported yet. It comes with the worker's report when the session closes
            (docs/reports.md).
          </p>
        </Empty>
      )}
      {value !== null && value.models.length > 0 && (
        <>
          <p>
            <CostLine cost={value.cost} />
          </p>
          <Models models={value.models} />
          <RawJson value={value} path={path} name="Raw usage" />
        </>
      )}
    </>
  );
}

function CostLine({ cost }: { cost: Cost | null }) {
  if (cost === null) {
    return (
      <span class="dim">
        No cost: set <code>PRICES_FILE</code> to a table of prices (docs/usage.md).
      </span>
    );
  }
  return (
    <>
      Cost{" "}
      <strong>
        {money(cost.amount)} {cost.currency}
      </strong>{" "}
      <span class="dim">by the prices of {cost.priceTable}</span>
      {cost.incomplete && (
        <span class="failed"> without {cost.unpriced.join(", ")}, which the table has no price of</span>
      )}
    </>
  );
}

function Models({ models }: { models: ModelUsage[] }) {
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Model</th>
          <th scope="col">For</th>
          <th scope="col">Input tokens</th>
          <th scope="col">Output tokens</th>
          <th scope="col">Characters</th>
          <th scope="col">Audio</th>
          <th scope="col">Requests</th>
        </tr>
      </thead>
      <tbody>
        {models.map((model) => (
          <tr key={`${model.type} ${model.provider} ${model.model}`}>
            <th scope="row">
              {model.provider}/{model.model}
            </th>
            <td data-label="For">{model.type.toUpperCase()}</td>
            <td data-label="Input tokens">
              {count(model.inputTokens)}
              {model.cachedInputTokens > 0 && (
                <span class="dim"> {count(model.cachedInputTokens)} cached</span>
              )}
            </td>
            <td data-label="Output tokens">{count(model.outputTokens)}</td>
            <td data-label="Characters">{count(model.characters)}</td>
            <td data-label="Audio">
              {model.audioSeconds + model.sessionSeconds > 0
                ? seconds(model.audioSeconds || model.sessionSeconds)
                : "–"}
            </td>
            <td data-label="Requests">{count(model.requests)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function count(value: number): string {
  return value === 0 ? "–" : value.toLocaleString();
}
