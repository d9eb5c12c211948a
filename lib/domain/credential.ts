import type { Finding } from "./errors.ts";
import type { Session } from "./session.ts";

/** Something that the engine's access to the cloud hangs on, and its end; null = it has none. */
export type Expiry = { readonly what: string; readonly expires_at: string | null };

/** Until when the session may need the cloud, as far as it says: the end of its last window. */
export const neededUntil = ({
  maintenance_at,
  ends_at,
  next_windows,
}: Pick<Session, "maintenance_at" | "ends_at" | "next_windows">): string =>
  [maintenance_at, ends_at ?? "", ...next_windows.map((window) => window.ends_at)]
    .toSorted()
    .at(-1) ?? maintenance_at;

/** A session that loses its access half-way leaves hosts disabled: better it does not begin. */
export const expiring = (expiries: readonly Expiry[], until: string): Finding[] =>
  expiries.flatMap(({ what, expires_at }) =>
    expires_at === null || Date.parse(expires_at) > Date.parse(until)
      ? []
      : {
          path: "",
          code: "credential_expires",
          message: `${what} expires at ${expires_at}, and is needed until ${until}; make a new one and put it into the cloud secret`,
        },
  );
