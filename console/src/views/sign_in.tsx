import { useId, useState } from "preact/hooks";
import { enter } from "../state/session";

export function SignInView({ reason }: { reason: string }) {
  const id = useId();
  const [key, setKey] = useState("");
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);

  const submit = async () => {
    setBusy(true);
    setError(null);
    try {
      await enter(key.trim());
    } catch (raised) {
      setError((raised as Error).message);
      setBusy(false);
    }
  };

  return (
    <main class="alone">
      <h1>backend-livekit</h1>
      <p>{reason}</p>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <div class="field">
          <label for={id}>API key</label>
          <input
            id={id}
            type="password"
            autocomplete="current-password"
            spellcheck={false}
            required
            aria-invalid={error !== null}
            aria-describedby={`${id}-error`}
            value={key}
            onInput={(event) => {
              setKey(event.currentTarget.value);
            }}
          />
        </div>
        <p id={`${id}-error`} class="failed" role="alert">
          {error}
        </p>
        <button type="submit" class="primary" disabled={busy}>
          {busy ? "Signing in …" : "Sign in"}
        </button>
      </form>
      <p class="dim">
        The key is sent once and not stored in the browser. The session lasts 12 hours, and sees and
        does what the key may.
      </p>
    </main>
  );
}
