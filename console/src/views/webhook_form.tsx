/** The fields of a webhook, to add one or to change it. */

import { useId, useState } from "preact/hooks";
import { ALL_EVENTS, EVENT_KINDS, type Webhook } from "../api/webhooks";
import { Choice, Choices, Field } from "../ui/fields";
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
      <Field
        label="URL"
        type="url"
        required
        maxLength={2048}
        placeholder="https://example.com/livekit-events"
        autocomplete="off"
        value={url}
        change={setUrl}
      />
      <Field
        label="Description"
        maxLength={500}
        autocomplete="off"
        value={description}
        change={setDescription}
      />
      <fieldset>
        <legend>Events</legend>
        <Choice
          name="all events of sessions and calls"
          checked={all}
          set={(on) => {
            setEvents(on ? [ALL_EVENTS] : []);
          }}
        />
        {!all && <Choices names={EVENT_KINDS} chosen={events} change={setEvents} />}
      </fieldset>
      {error !== null && <Failed error={error} />}
      <button type="submit" class="primary" disabled={busy || events.length === 0}>
        {save}
      </button>
    </form>
  );
}
