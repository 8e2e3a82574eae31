import { useId, useRef, useState } from "preact/hooks";
import { request } from "../api/client";
import type { ApiKey } from "../api/types";
import { signIn } from "../state/session";
import { timeOf } from "../ui/format";
import { Choices, Field } from "../ui/fields";
import { ShownOnce } from "../ui/shown_once";
import { Empty, Failed, Loading, Status } from "../ui/states";
import { useAction } from "../ui/use_action";
import { useFollowedPages } from "../ui/use_followed";
import { SELDOM } from "../ui/use_news";

const SCOPES = [
  "sessions:write",
  "calls:read",
  "calls:write",
  "agents:read",
  "agents:write",
  "phone-numbers:read",
  "phone-numbers:write",
  "webhooks:read",
  "webhooks:write",
  "admin",
];
const USUAL = ["sessions:write", "calls:read", "calls:write"];

interface NewKey extends ApiKey {
  key: string;
}

export function ApiKeysView() {
  const { items, error, reload } = useFollowedPages<ApiKey>(
    "/api-keys",
    "apiKeys",
    (event) => event.type.startsWith("api_key."),
    SELDOM,
    ["api_keys"],
  );
  const [made, setMade] = useState<NewKey | null>(null);
  const { error: failure, run } = useAction();
  const title = useRef<HTMLHeadingElement>(null);
  const state = signIn.value;
  const open = state.is === "in" && state.session.state === "open";

  const revoke = async (key: ApiKey) => {
    if (!confirm(`Revoke "${key.name}" (${key.prefix})? Whatever uses it stops working.`)) return;
    await run(() => request("DELETE", `/api-keys/${encodeURIComponent(key.prefix)}`));
    await reload();
    title.current?.focus(); // the key's button is gone
  };

  return (
    <>
      <h1 ref={title} tabIndex={-1}>
        API keys
      </h1>
      {made !== null && (
        <ShownOnce
          label="The new key"
          secret={made.key}
          done={() => {
            setMade(null);
          }}
        >
          The key <strong>{made.name}</strong>, shown this once only:
        </ShownOnce>
      )}
      {failure !== null && <Failed error={failure} />}
      {error !== null && <Failed error={error} retry={() => void reload()} />}
      {items === null && error === null && <Loading what="API keys" />}
      {items?.length === 0 && (
        <Empty>
          <p>
            No key was made here, so every client that reaches the service may use it, unless{" "}
            <code>API_KEYS</code> is set. Make the first one on the service's machine:{" "}
            <code>backend keys create NAME --scope admin</code>
          </p>
        </Empty>
      )}
      {items !== null && items.length > 0 && (
        <table>
          <thead>
            <tr>
              <th scope="col">Name</th>
              <th scope="col">Key</th>
              <th scope="col">Tenant</th>
              <th scope="col">Scopes</th>
              <th scope="col">State</th>
              <th scope="col">Last used</th>
              <th scope="col">Expires</th>
              <th scope="col">
                <span class="spoken">Actions</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {items.map((key) => (
              <tr key={key.prefix}>
                <th scope="row">{key.name}</th>
                <td>
                  <code>{key.prefix}…</code>
                </td>
                <td>{key.tenant}</td>
                <td>{key.scopes.join(", ")}</td>
                <td>
                  <Status status={key.state} />
                </td>
                <td>{timeOf(key.lastUsedAt)}</td>
                <td>{timeOf(key.expiresAt)}</td>
                <td>
                  {key.state === "active" && (
                    <button
                      type="button"
                      aria-label={`Revoke ${key.name}`}
                      onClick={() => void revoke(key)}
                    >
                      Revoke
                    </button>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {!open && (
        <NewKeyForm
          made={(key) => {
            setMade(key);
            void reload();
          }}
        />
      )}
    </>
  );
}

function NewKeyForm({ made }: { made(key: NewKey): void }) {
  const id = useId();
  const [name, setName] = useState("");
  const [tenant, setTenant] = useState("");
  const [days, setDays] = useState("");
  const [scopes, setScopes] = useState(USUAL);
  const { busy, error, run } = useAction();

  const submit = async () => {
    const body = {
      name,
      scopes,
      ...(tenant.trim() !== "" && { tenant }),
      ...(days !== "" && { expiresInDays: Number(days) }),
    };
    const make = async () => {
      made(await request<NewKey>("POST", "/api-keys", { body }));
    };
    if (await run(make)) setName("");
  };

  return (
    <form
      class="card"
      aria-labelledby={`${id}-title`}
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <h2 id={`${id}-title`}>Make a key</h2>
      <Field
        label="Name"
        required
        maxLength={128}
        autocomplete="off"
        value={name}
        change={setName}
      />
      <Field
        label="Tenant (empty: a tenant of its own)"
        maxLength={128}
        autocomplete="off"
        value={tenant}
        change={setTenant}
      />
      <Field
        label="Days until it expires (empty: never)"
        type="number"
        min={1}
        max={36500}
        value={days}
        change={setDays}
      />
      <fieldset>
        <legend>Scopes</legend>
        <Choices names={SCOPES} chosen={scopes} change={setScopes} />
      </fieldset>
      {error !== null && <Failed error={error} />}
      <button type="submit" class="primary" disabled={busy || scopes.length === 0}>
        {busy ? "Making it …" : "Make the key"}
      </button>
    </form>
  );
}
