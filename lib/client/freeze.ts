import * as z from "zod";
import { type Api, request } from "./request.ts";

/** Whether the whole cloud is frozen; who said so last, when and why. */
const freezeSchema = z.looseObject({
  frozen: z.boolean(),
  by: z.string().nullish(),
  at: z.string().nullish(),
  reason: z.string().nullish(),
});
export type Freeze = z.infer<typeof freezeSchema>;

const PATH = "/v1/freeze";

export const getFreeze = (api: Api): Promise<Freeze> => request(api, PATH, freezeSchema);

/** Stops every session of the deployment before its next effect, until it is thawed. */
export const freeze = (api: Api, reason: string): Promise<Freeze> =>
  request(api, PATH, freezeSchema, { method: "PUT", body: { reason } });

/** Lets sessions go on. */
export const thaw = (api: Api): Promise<Freeze> =>
  request(api, PATH, freezeSchema, { method: "DELETE", repeatable: true });
