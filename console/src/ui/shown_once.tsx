/** A secret that the service shows once. */

import type { ComponentChildren } from "preact";

interface Props {
  label: string;
  secret: string;
  children: ComponentChildren;
  done(): void;
}

export function ShownOnce({ label, secret, children, done }: Props) {
  return (
    <section class="made" role="status" aria-label={label}>
      <p>{children}</p>
      <p>
        <code class="secret">{secret}</code>{" "}
        <button type="button" onClick={() => void navigator.clipboard.writeText(secret)}>
          Copy
        </button>{" "}
        <button type="button" onClick={done}>
          Done
        </button>
      </p>
    </section>
  );
}
