/** The fields of a webhook, to add one or to change it. */

import { useId, useState } from "preact/hooks";
import { ALL_EVENTS, EVENT_KINDS, type Webhook } from "../api/webhooks";
import { Failed } from "../ui/states";
import { useAction } from "../ui/use_action";

interface Props {
  title: string;
  save: string;
  webhook?: Webhook;
  submit(body: unknown): Promise<void>;
}

export function WebhookForm({ title, save, webhook, submit }: Props) {
  const id = useId();
  const [url, setUrl] = useState(webhook?.url ?? "");
  const [description, setDescription] = useState(webhook?.description ?? "");
  const [events, setEvents] = useState(webhook?.events ?? [ALL_EVENTS]);
  const { busy, error, run } = useAction();
  const all = events.includes(ALL_EVENTS);

  const send = async () => {
    const body = { url: url.trim(), events, description: description === "" ? null : description };
    if ((await run(() => submit(body))) && webhook === undefined) {
      setUrl("");
      setDescription("");
    }
  };
  return (
    <form
      class="card"
      aria-labelledby={`${id}-title`}
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      <h2 id={`${id}-title`}>{title}</h2>
      <div class="field">
        <label for={`${id}-url`}>URL</label>
        <input
          id={`${id}-url`}
          type="url"
          required
          maxLength={2048}
          placeholder="https://example.com/livekit-events"
          autocomplete="off"
          value={url}
          onInput={(event) => {
            setUrl(event.currentTarget.value);
          }}
        />
      </div>
      <div class="field">
        <label for={`${id}-description`}>Description</label>
        <input
          id={`${id}-description`}
          maxLength={500}
          autocomplete="off"
          value={description}
          onInput={(event) => {
            setDescription(event.currentTarget.value);
          }}
        />
      </div>
      <fieldset>
        <legend>Events</legend>
        <Choice
          name="all events of sessions and calls"
          checked={all}
          set={(on) => {
            setEvents(on ? [ALL_EVENTS] : []);
          }}
        />
        {!all &&
          EVENT_KINDS.map((kind) => (
            <Choice
              key={kind}
              name={kind}
              checked={events.includes(kind)}
              set={(on) => {
                setEvents((old) => (on ? [...old, kind] : old.filter((each) => each !== kind)));
              }}
            />
          ))}
      </fieldset>
      {error !== null && <Failed error={error} />}
      <button type="submit" class="primary" disabled={busy || events.length === 0}>
        {save}
      </button>
    </form>
  );
}

function Choice(props: { name: string; checked: boolean; set(on: boolean): void }) {
  const { name, checked, set } = props;
  const id = useId();
  return (
    <label for={id} class="choice">
      <input
        id={id}
        type="checkbox"
        checked={checked}
        onChange={(event) => {
          set(event.currentTarget.checked);
        }}
      />{" "}
      {name}
    </label>
  );
}
