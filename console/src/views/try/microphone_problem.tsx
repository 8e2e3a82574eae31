interface Props {
  reason: string;
  retry(): void;
  without(): void;
  back(): void;
}

export function MicrophoneProblem({ reason, retry, without, back }: Props) {
  return (
    <div class="state failed" role="alert">
      <p>{reason}</p>
      <button type="button" class="primary" onClick={retry}>
        Try again
      </button>{" "}
      <button type="button" onClick={without}>
        Go on without a microphone
      </button>{" "}
      <button type="button" onClick={back}>
        Cancel
      </button>
    </div>
  );
}
