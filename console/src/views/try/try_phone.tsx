/** Play the caller of a phone call, on development servers. */

import { useState } from "preact/hooks";
import { request } from "../../api/client";
import type { Call, PhoneNumber } from "../../api/types";
import { ofKind } from "../../live/concerns";
import { hashOf } from "../../router";
import { may } from "../../state/session";
import { TextField } from "../../ui/fields";
import { Timeline } from "../../ui/parts";
import { Empty, Failed, Loading, Status } from "../../ui/states";
import { useFollowedPages } from "../../ui/use_followed";
import { useResource } from "../../ui/use_resource";
import { MicrophoneProblem } from "./microphone_problem";
import { TalkPanel } from "./talk_panel";
import { TryViews } from "./try_agent";
import { useCallOf } from "./use_call_of";
import { type Begun, useConversation } from "./use_conversation";

const ROUTE = "POST /telephony/simulated-calls";

interface SimulatedCall {
  roomName: string;
  participantIdentity: string;
  participantToken: string;
  livekitUrl: string;
}

export function TryPhoneView() {
  const service = useResource<{ routes: Record<string, string> }>("/");
  return (
    <>
      <h1>Simulate a phone call</h1>
      <TryViews open="phone" />
      {service.value === null ? (
        service.error ? (
          <Failed error={service.error} retry={() => void service.reload()} />
        ) : (
          <Loading what="what the service offers" />
        )
      ) : ROUTE in service.value.routes && may("admin") ? (
        <Phone />
      ) : (
        <Empty>
          <p>Phone calls are simulated on development servers only, with a key of the scope admin.</p>
        </Empty>
      )}
    </>
  );
}

function Phone() {
  const [from, setFrom] = useState("+15105550100");
  const [to, setTo] = useState("+15105550199");
  const { stage, talk, choose } = useConversation<Begun & SimulatedCall>({
    begin: async () => {
      const [method = "", path = ""] = ROUTE.split(" ");
      const phone = await request<SimulatedCall>(method, path, { body: { from, to } });
      return { ...phone, url: phone.livekitUrl, token: phone.participantToken };
    },
    // LiveKit's SIP service answers a call once it hears another participant.
    heard: (conversation) => conversation.describe({ "sip.callStatus": "active" }),
  });

  if (stage.is === "without microphone") {
    return (
      <MicrophoneProblem
        reason={stage.reason}
        retry={() => void talk(true)}
        without={() => void talk(false)}
        back={choose}
      />
    );
  }
  if (stage.is === "talking") {
    return (
      <>
        <TalkPanel
          conversation={stage.conversation}
          endLabel="Hang up"
          end={() => {
            stage.conversation.leave();
          }}
          over={
            <button type="button" onClick={choose}>
              Call again
            </button>
          }
        />
        <LedgerCall phone={stage.begun} />
      </>
    );
  }
  const busy = stage.is === "starting";
  return (
    <form
      aria-label="Call"
      onSubmit={(event) => {
        event.preventDefault();
        if (!busy) void talk(true);
      }}
    >
      <TextField label="Who calls" value={from} change={setFrom} required />
      <TextField label="Who is called" value={to} change={setTo} required />
      <StoredNumbers choose={setTo} />
      {stage.is === "choosing" && stage.error !== null && <Failed error={stage.error} />}
      <button type="submit" class="primary" aria-disabled={busy}>
        {busy ? "Calling …" : "Call"}
      </button>
      <p class="dim">
        This browser joins the call's room as the phone does, so webhooks, routing and the agent's
        dispatch happen as for a real call. It is answered once the agent is heard.
      </p>
    </form>
  );
}

/** The numbers that saved agents answer, to be called by a press. */
function StoredNumbers({ choose }: { choose(number: string): void }) {
  const { items } = useFollowedPages<PhoneNumber>(
    "/phone-numbers",
    "phoneNumbers",
    ofKind("phone_number"),
  );
  if (items === null || items.length === 0) return null;
  return (
    <p>
      {items.slice(0, 20).map(({ number }) => (
        <button
          type="button"
          key={number}
          onClick={() => {
            choose(number);
          }}
        >
          {number}
        </button>
      ))}
    </p>
  );
}

function LedgerCall({ phone }: { phone: SimulatedCall }) {
  const call: Call | null = useCallOf(phone.roomName, phone.participantIdentity);
  return (
    <section aria-label="In the ledger">
      {call === null ? (
        <p class="dim">The ledger does not know the call yet.</p>
      ) : (
        <>
          <h2>
            In the ledger <Status status={call.status} />
          </h2>
          <p>
            <a href={hashOf(["calls", call.callId])}>Open the call's page</a>
          </p>
          <Timeline entries={call.timeline} createdAt={call.createdAt} />
        </>
      )}
    </section>
  );
}
