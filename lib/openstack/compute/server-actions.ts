import * as z from "zod";
import { callForAnswer, type ServiceClient } from "../http.ts";

/** `requestId` is Nova's own: the id of the instance action that tells how it went. */
export type Accepted = { readonly requestId: string | null };

type Options = { readonly requestId?: string | undefined };

type Asked = Options & {
  readonly expect?: readonly number[];
};

/** POST /servers/{id}/action. Accepted means asked for, not done. */
export const act = async (
  client: ServiceClient,
  id: string,
  body: unknown,
  { expect = [202], requestId }: Asked = {},
): Promise<Accepted> => {
  const path = `/servers/${encodeURIComponent(id)}/action`;
  const options = { method: "POST", body, expect, requestId } as const;
  const answer = await callForAnswer(client, path, z.unknown(), options);
  return { requestId: answer.requestId };
};

/** os-stop: ends in SHUTOFF. @throws OpenStackError 409 unless ACTIVE or ERROR, in a task, or locked */
export const stopServer = (client: ServiceClient, id: string, options?: Options) =>
  act(client, id, { "os-stop": null }, options);

/** os-start: ends in ACTIVE. @throws OpenStackError 409 unless SHUTOFF, in a task, or locked */
export const startServer = (client: ServiceClient, id: string, options?: Options) =>
  act(client, id, { "os-start": null }, options);

/** reboot. HARD also starts what is SHUTOFF, PAUSED, SUSPENDED or in ERROR. @throws OpenStackError 409 */
export const rebootServer = (
  client: ServiceClient,
  id: string,
  type: "SOFT" | "HARD",
  options?: Options,
) => act(client, id, { reboot: { type } }, options);

/** shelve: ends in SHELVED, still on its host, or in SHELVED_OFFLOADED, as the cloud is set up. @throws OpenStackError 409 */
export const shelveServer = (client: ServiceClient, id: string, options?: Options) =>
  act(client, id, { shelve: null }, options);

/** shelveOffload: frees the host of a SHELVED server. @throws OpenStackError 409 unless SHELVED */
export const shelveOffload = (client: ServiceClient, id: string, options?: Options) =>
  act(client, id, { shelveOffload: null }, options);

/**
 * os-resetState, admin only: changes what Nova believes, not the guest. After a cold migration that
 * left the server in ERROR: "active", then a HARD reboot.
 */
export const resetState = (
  client: ServiceClient,
  id: string,
  state: "active" | "error",
  options?: Options,
) => act(client, id, { "os-resetState": { state } }, options);
