/** Who watches what a deployment would be billed for. Nothing that it does may change what happens. */
export type Observer = {
  /** Stands around each call of a service; answers, or throws, what `proceed` does. */
  readonly call?: (
    call: { readonly service: string; readonly operation: string; readonly input: unknown },
    proceed: () => unknown,
  ) => unknown;
  /** An execution has entered a state, or tries a task again. */
  readonly transition?: (executionArn: string, state: string) => void;
};
