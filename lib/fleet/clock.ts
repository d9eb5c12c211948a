import * as z from "zod";
import type { Cloud } from "../openstack/cloud.ts";
import { callForAnswer } from "../openstack/http.ts";

/** What Nova's own clock says, in an answer that is asked for its header alone; null when it does not tell. */
export const novaTime = async (cloud: Cloud, host: string): Promise<string | null> => {
  const search = new URLSearchParams({ binary: "nova-compute", host });
  return (await callForAnswer(cloud.compute, `/os-services?${search}`, z.unknown())).date;
};
