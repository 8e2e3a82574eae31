/** The requests that begin and end a conversation: routes of the public API. */

import { request } from "../api/client";
import type { Session } from "../api/types";

export interface Choice {
  /** A saved agent's id, or empty. */
  agentId: string;
  /** A worker's name, or empty: the service's default. */
  agentName: string;
  config: Record<string, unknown>;
  variables: Record<string, string>;
}

export interface Started {
  url: string;
  token: string;
  roomName: string;
  sessionId: string;
  /** `no_worker`: no worker took the agent's latest jobs. */
  agentStatus: string;
}

interface StartedSession {
  userToken: string;
  roomName: string;
  livekitUrl: string;
  sessionId: string;
  agentStatus: string;
}

/** Begin a session for this browser; raises what the service refuses. */
export async function start(choice: Choice): Promise<Started> {
  const userIdentity = `console-${random()}`;
  if (choice.agentName !== "") return startByTicket(choice, userIdentity);
  const answer = await request<StartedSession>("POST", "/session", {
    body: {
      userIdentity,
      agentConfig: choice.config,
      ...(choice.agentId === "" ? {} : { agentId: choice.agentId, variables: choice.variables }),
    },
  });
  const { livekitUrl: url, userToken: token, roomName, sessionId, agentStatus } = answer;
  return { url, token, roomName, sessionId, agentStatus };
}

/** `POST /session` names no worker; a ticket does, and its agent comes once the user has joined. */
async function startByTicket(choice: Choice, userIdentity: string): Promise<Started> {
  const roomName = `room-${random()}${random()}`;
  const { agentName, config: agentConfig } = choice;
  const { ticket } = await request<{ ticket: string }>("POST", "/livekit/tickets", {
    body: { userIdentity, roomName, agentName, agentConfig },
  });
  const { server_url: url, participant_token: token } = await request<{
    server_url: string;
    participant_token: string;
  }>("POST", "/livekit/token", { body: {}, key: ticket });
  const { sessionId } = await request<Session>("GET", `/sessions/by-room/${roomName}`);
  return { url, token, roomName, sessionId, agentStatus: "expected" };
}

export async function end(roomName: string): Promise<void> {
  await request("POST", "/session/end", { body: { roomName } });
}

/** `crypto.randomUUID` is not there for pages without TLS. */
function random(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(8));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
