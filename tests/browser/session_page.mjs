// A page around LiveKit's own `useSession` and `TokenSource.endpoint`, both as they are published.
// `window.endpoint` and `window.options` say where tokens come from and what is asked for.
import { useAgent, useSession } from "@livekit/components-react";
import { TokenSource } from "livekit-client";
import { createElement } from "react";
import { createRoot } from "react-dom/client";

const source = TokenSource.endpoint(window.endpoint.url, { headers: window.endpoint.headers });

function Page() {
  const session = useSession(source, window.options);
  const agent = useAgent(session);
  window.page = { session, agent };
  return createElement("p", null, `${session.connectionState}, ${agent.state}`);
}

createRoot(document.getElementById("root")).render(createElement(Page));
