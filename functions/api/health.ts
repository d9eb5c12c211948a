import { api } from "../../lib/lambda/api.ts";

/** Says that the API answers; it asks nobody else, so that a slow cloud does not fail it. */
export const handler = api([
  {
    method: "GET",
    path: "/v1/healthz",
    allow: "anyone",
    run: async () => ({ status: 200, body: { status: "ok" } }),
  },
]);
