/** The frame around the views: navigation, the state of the live stream, and who is signed in. */

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { stream, streamState } from "./live/live";
import { hashOf, place } from "./router";
import { leave, may, resume, signIn } from "./state/session";
import { Failed, Loading } from "./ui/states";
import { AgentView } from "./views/agent";
import { EditAgentView, NewAgentView } from "./views/agent_form";
import { AgentsView } from "./views/agents";
import { ApiKeysView } from "./views/api_keys";
import { CallView } from "./views/call";
import { CallsView } from "./views/calls";
import { DeadLettersView } from "./views/dead_letters";
import { HealthView } from "./views/health";
import { OverviewView } from "./views/overview";
import { EditNumberView, NewNumberView } from "./views/phone_number_form";
import { PhoneNumbersView } from "./views/phone_numbers";
import { SessionView } from "./views/session";
import { SessionsView } from "./views/sessions";
import { SignInView } from "./views/sign_in";
import { StatisticsView } from "./views/statistics";
import { TranscriptsView } from "./views/transcripts";
import { TryAgentView } from "./views/try/try_agent";
import { TryPhoneView } from "./views/try/try_phone";
import { WebhookView } from "./views/webhook";
import { WebhooksView } from "./views/webhooks";

interface Area {
  path: string;
  title: string;
  scopes: string[];
  list(): ComponentChildren;
  /** The page of one of them, or a part of it, such as its form. */
  one?(id: string, part?: string): ComponentChildren;
}

const AREAS: Area[] = [
  { path: "", title: "Overview", scopes: ["calls:read", "sessions:write"], list: () => <OverviewView /> },
  {
    path: "sessions",
    title: "Sessions",
    scopes: ["calls:read", "sessions:write"],
    list: () => <SessionsView />,
    one: (id) => <SessionView key={id} id={id} />,
  },
  {
    path: "calls",
    title: "Calls",
    scopes: ["calls:read"],
    list: () => <CallsView />,
    one: (id) => <CallView key={id} id={id} />,
  },
  { path: "transcripts", title: "Transcripts", scopes: ["calls:read"], list: () => <TranscriptsView /> },
  {
    path: "agents",
    title: "Agents",
    scopes: ["agents:read", "agents:write"],
    list: () => <AgentsView />,
    one: (id, part) => {
      if (id === "new") return <NewAgentView />;
      return part === "edit" ? <EditAgentView key={id} id={id} /> : <AgentView key={id} id={id} />;
    },
  },
  {
    path: "try",
    title: "Try an agent",
    scopes: ["sessions:write"],
    list: () => <TryAgentView />,
    one: (what) => (what === "phone" ? <TryPhoneView /> : <TryAgentView />),
  },
  {
    path: "phone-numbers",
    title: "Phone numbers",
    scopes: ["phone-numbers:read", "phone-numbers:write"],
    list: () => <PhoneNumbersView />,
    one: (id) => (id === "new" ? <NewNumberView /> : <EditNumberView key={id} entry={id} />),
  },
  {
    path: "webhooks",
    title: "Webhooks",
    scopes: ["webhooks:read", "webhooks:write"],
    list: () => <WebhooksView />,
    one: (id) => <WebhookView key={id} id={id} />,
  },
  {
    path: "dead-letters",
    title: "Dead letters",
    scopes: ["webhooks:read", "webhooks:write"],
    list: () => <DeadLettersView />,
  },
  { path: "statistics", title: "Statistics", scopes: ["calls:read"], list: () => <StatisticsView /> },
  { path: "api-keys", title: "API keys", scopes: ["admin"], list: () => <ApiKeysView /> },
  { path: "health", title: "Health", scopes: [], list: () => <HealthView /> },
];

export function App() {
  const state = signIn.value;
  switch (state.is) {
    case "asking":
      return <Loading what="the console" />;
    case "failed":
      return (
        <main class="alone">
          <Failed error={state.error} retry={() => void resume()} />
        </main>
      );
    case "out":
      return <SignInView reason={state.reason} />;
    case "in":
      return <Frame />;
  }
}

function Frame() {
  const [name = "", id, part] = place.value.path;
  const area = AREAS.find((each) => each.path === name);
  const main = useRef<HTMLElement>(null);
  const title = area?.title ?? "Not found";
  const first = useRef(true);
  const opened = useOpenedStream();
  useEffect(() => {
    document.title = `${title} · backend-livekit`;
    // A screen reader announces the new view; the first one it reads by itself.
    if (!first.current) main.current?.focus();
    first.current = false;
  }, [title, id, part]);
  return (
    <>
      <a
        class="skip"
        href="#main"
        onClick={(event) => {
          event.preventDefault();
          main.current?.focus();
        }}
      >
        Skip to content
      </a>
      <header class="top">
        <strong class="brand">backend-livekit</strong>
        <nav aria-label="Views">
          {AREAS.filter((each) => each.scopes.length === 0 || may(...each.scopes)).map((each) => (
            <a
              key={each.path}
              href={hashOf(each.path === "" ? [] : [each.path])}
              aria-current={each.path === name ? "page" : undefined}
            >
              {each.title}
            </a>
          ))}
        </nav>
        <Who />
      </header>
      <Connection />
      <main id="main" ref={main} tabIndex={-1}>
        {!opened ? (
          <Loading what="the console" />
        ) : area === undefined ? (
          <NotFound />
        ) : id !== undefined && area.one !== undefined ? (
          area.one(id, part)
        ) : (
          area.list()
        )}
      </main>
    </>
  );
}

/** A service behind a proxy that holds answers back may seem not to open the stream. */
const PATIENCE = 1_000;

/**
 * Return whether the live stream was opened, or cannot be, since the console was.
 *
 * What is read before must be read again, as changes may have been missed.
 */
function useOpenedStream(): boolean {
  const opened = useRef(false);
  const [waited, setWaited] = useState(false);
  if (streamState.value.is !== "connecting") opened.current = true;
  useEffect(() => {
    const timer = setTimeout(() => {
      setWaited(true);
    }, PATIENCE);
    return () => {
      clearTimeout(timer);
    };
  }, []);
  return opened.current || waited;
}

function NotFound() {
  return (
    <>
      <h1>Not found</h1>
      <p>
        There is no such view. <a href={hashOf([])}>Go to the overview.</a>
      </p>
    </>
  );
}

function Who() {
  const state = signIn.value;
  if (state.is !== "in") return null;
  if (state.session.state === "open") {
    return <span class="who dim">no API keys: open on this machine</span>;
  }
  return (
    <span class="who">
      <span class="dim">{state.session.tenant}</span>
      <button type="button" onClick={() => void leave()}>
        Sign out
      </button>
    </span>
  );
}

function Connection() {
  const state = streamState.value;
  if (state.is === "live") {
    return (
      <p class="connection live" role="status">
        Live
      </p>
    );
  }
  if (state.is === "connecting") {
    return (
      <p class="connection" role="status">
        Connecting to the live stream …
      </p>
    );
  }
  if (state.is === "unavailable") {
    return (
      <p class="connection bad" role="status">
        No live updates: {state.reason} Reload the page to see changes.
      </p>
    );
  }
  return (
    <p class="connection bad" role="status">
      Offline: what is shown may be out of date. Nothing will be missed once the service answers
      again.{" "}
      <button type="button" onClick={stream.retryNow}>
        Try now
      </button>
    </p>
  );
}
