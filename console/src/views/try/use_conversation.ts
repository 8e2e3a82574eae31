/** A conversation from the choice of whom to talk to until its end; it ends with the view. */

import { useEffect, useRef, useState } from "preact/hooks";
import { Conversation } from "../../talk/conversation";
import { openMicrophone } from "../../talk/microphone";

/** What a conversation begins with: at least a room, and the token to join it. */
export interface Begun {
  url: string;
  token: string;
}

export type Stage<T> =
  | { is: "choosing"; error: Error | null }
  | { is: "starting" }
  | { is: "without microphone"; reason: string }
  | { is: "talking"; conversation: Conversation; begun: T };

interface Steps<T> {
  begin(): Promise<T>;
  /** The browser could not join what has begun. */
  abandon?(begun: T): Promise<void>;
  /** The agent is heard for the first time. */
  heard?(conversation: Conversation): Promise<void>;
}

export interface UsedConversation<T> {
  stage: Stage<T>;
  talk(withMicrophone: boolean): Promise<void>;
  choose(): void;
}

export function useConversation<T extends Begun>(steps: Steps<T>): UsedConversation<T> {
  const [stage, setStage] = useState<Stage<T>>({ is: "choosing", error: null });
  const isOpen = useRef(true);
  const current = useRef<Conversation | null>(null);
  useEffect(
    () => () => {
      isOpen.current = false;
      current.current?.leave();
    },
    [],
  );

  const talk = async (withMicrophone: boolean) => {
    setStage({ is: "starting" });
    let microphone: MediaStreamTrack | null = null;
    if (withMicrophone) {
      try {
        microphone = await openMicrophone();
      } catch (error) {
        setStage({ is: "without microphone", reason: (error as Error).message });
        return;
      }
    }
    try {
      const begun = await steps.begin();
      const conversation = new Conversation(microphone);
      if (steps.heard) conversation.onHeard = () => steps.heard?.(conversation) ?? Promise.resolve();
      current.current = conversation;
      setStage({ is: "talking", conversation, begun });
      if (isOpen.current) await conversation.join(begun.url, begun.token);
      else conversation.leave();
      if (!isOpen.current || conversation.phase.value.is === "failed") await steps.abandon?.(begun);
    } catch (error) {
      microphone?.stop();
      setStage({ is: "choosing", error: error as Error });
    }
  };
  const choose = () => {
    setStage({ is: "choosing", error: null });
  };
  return { stage, talk, choose };
}
