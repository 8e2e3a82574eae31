/** A search in what was said. */

import { withQuery } from "../api/client";
import type { Found } from "../api/conversation";
import { hashOf, place } from "../router";
import { timeOf } from "../ui/format";
import { Filters } from "../ui/filters";
import { Empty, Failed, Loading } from "../ui/states";
import { useFollowedPages } from "../ui/use_followed";

const FILTERS = [
  { name: "q", label: "Words", placeholder: 'refund "order number" deliver*' },
  { name: "from", label: "Said since", time: true },
  { name: "to", label: "Said until", time: true },
];

export function TranscriptsView() {
  const values = place.value.query;
  const { q = "", from, to } = values;
  return (
    <>
      <h1>Transcripts</h1>
      <Filters filters={FILTERS} values={values} />
      {q.trim() === "" ? (
        <Empty>
          <p>
            Type words that users, agents or tools have said. One message has all of them;{" "}
            <code>"words in quotes"</code> follow each other, and <code>deliver*</code> is a
            beginning.
          </p>
        </Empty>
      ) : (
        <Results path={withQuery("/transcripts", { q, from, to })} />
      )}
    </>
  );
}

function Results({ path }: { path: string }) {
  const { items, error, complete, more, reload } = useFollowedPages<Found>(
    path,
    "results",
    (event) => event.type === "transcript.ready",
  );
  return (
    <>
      {error !== null && <Failed error={error} retry={() => void reload()} />}
      {items === null && error === null && <Loading what="what was said" />}
      {items?.length === 0 && (
        <Empty>
          <p>Nothing that was said has all of these words. Try fewer, or the beginning of one.</p>
        </Empty>
      )}
      {items !== null && items.length > 0 && (
        <ul class="newest" aria-label="Found">
          {items.map((found) => (
            <li key={`${found.sessionId} ${found.itemId}`}>
              <a href={hashOf(["sessions", found.sessionId])}>{timeOf(found.createdAt)}</a>{" "}
              <Excerpt html={found.excerpt} />
            </li>
          ))}
        </ul>
      )}
      {!complete && (
        <button type="button" onClick={() => void more()}>
          Older results
        </button>
      )}
    </>
  );
}

/** The API marks what was found and escapes the rest. */
function Excerpt({ html }: { html: string }) {
  const parts = html.split(/<\/?mark>/).map(unescaped);
  return (
    <span>{parts.map((part, index) => (index % 2 === 1 ? <mark key={index}>{part}</mark> : part))}</span>
  );
}

const ENTITIES: Record<string, string> = {
  "&lt;": "<", "&gt;": ">", "&amp;": "&", "&quot;": '"', "&#x27;": "'",
};

function unescaped(text: string): string {
  return text.replace(/&(?:lt|gt|amp|quot|#x27);/g, (entity) => ENTITIES[entity] ?? entity);
}
