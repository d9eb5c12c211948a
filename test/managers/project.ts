import * as z from "zod";
import { type CloudConfig, openCloud } from "../../lib/openstack/cloud.ts";
import { type Clock, sleep } from "../../localstack/clock.ts";

const serverSchema = z.looseObject({
  id: z.string(),
  name: z.string(),
  status: z.string(),
  metadata: z.record(z.string(), z.string()),
  flavor: z.looseObject({ original_name: z.string() }),
  /** Empty when it was booted from a volume. */
  image: z.looseObject({ id: z.string() }).or(z.literal("")),
});
export type OwnServer = z.infer<typeof serverSchema>;

/** Key of the metadata that marks the active one of a pair, as a floating address would. */
export const MARK = "floating";

/** Since 2.47 a server shows the name of its flavor. */
const NOVA = "compute 2.47";

const LOOK_EVERY_MS = 1_000;
const PATIENCE = 120;

export type Called = { readonly status: number; readonly body: unknown };

/** One project of the cloud in the hands of its manager, who has its member's password and no more. */
export const openProject = (config: CloudConfig, clock: Clock) => {
  const cloud = openCloud(config);

  /** One request with the project's token, to whatever address. */
  const send = async (method: string, url: string, body?: unknown): Promise<Called> => {
    const response = await fetch(url, {
      method,
      headers: {
        "X-Auth-Token": await cloud.token(),
        // As the real clients do it, with or without a body.
        "Content-Type": "application/json",
        Accept: "application/json",
        "OpenStack-API-Version": NOVA,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: text === "" ? null : JSON.parse(text) };
  };

  const call = async <S extends z.ZodType>(
    service: string,
    method: string,
    path: string,
    schema: S,
    body?: unknown,
  ): Promise<z.infer<S>> => {
    const answer = await send(method, `${await cloud.addressOf(service)}${path}`, body);
    if (answer.status >= 300) throw new Error(`${service} answered ${answer.status} to ${path}`);
    return schema.parse(answer.body);
  };

  const servers = async (): Promise<readonly OwnServer[]> => {
    const schema = z.object({ servers: z.array(serverSchema) });
    return (await call("compute", "GET", "/servers/detail", schema)).servers;
  };

  /** A server shows the name of its flavor only, and Nova boots by the id. */
  const flavorId = async (wanted: string): Promise<string> => {
    const schema = z.object({
      flavors: z.array(z.looseObject({ id: z.string(), name: z.string() })),
    });
    const { flavors } = await call("compute", "GET", "/flavors/detail", schema);
    const found = flavors.find(({ name }) => name === wanted);
    if (found === undefined) throw new Error(`there is no flavor ${wanted}`);
    return found.id;
  };

  /** Looks at its servers again and again. */
  const until = async (is: (all: readonly OwnServer[]) => boolean): Promise<void> => {
    for (let tries = 0; !is(await servers()); tries++) {
      if (tries >= PATIENCE) throw new Error("the project's servers do not become as wanted");
      await sleep(clock, LOOK_EVERY_MS);
    }
  };

  return {
    token: cloud.token,
    send,
    servers,

    /** Subscribes by an event alarm, as a Heat template does it. */
    subscribe: (url: string) =>
      call("alarming", "POST", "/v2/alarms", z.looseObject({ alarm_id: z.string() }), {
        name: "stack-app_manager_alarm",
        type: "event",
        event_rule: { event_type: "maintenance.scheduled" },
        repeat_actions: true,
        alarm_actions: [url],
      }),

    /** Deletes servers, and waits until they are gone. */
    remove: async (ids: readonly string[]): Promise<void> => {
      for (const id of ids) await call("compute", "DELETE", `/servers/${id}`, z.unknown());
      await until((all) => !all.some(({ id }) => ids.includes(id)));
    },

    /** Boots one like it, and waits until it runs. @returns its id */
    boot: async ({ name, flavor, image, metadata }: OwnServer): Promise<string> => {
      const server = {
        name,
        flavorRef: await flavorId(flavor.original_name),
        ...(image !== "" && { imageRef: image.id }),
        networks: "auto",
        metadata,
      };
      const schema = z.object({ server: z.looseObject({ id: z.string() }) });
      const made = await call("compute", "POST", "/servers", schema, { server });
      const { id } = made.server;
      await until((all) => all.some((one) => one.id === id && one.status === "ACTIVE"));
      return id;
    },

    /** The one that the world talks to is now this one. */
    mark: async (id: string, former: string): Promise<void> => {
      const metadata = { [MARK]: "here" };
      await call("compute", "POST", `/servers/${id}/metadata`, z.unknown(), { metadata });
      await call("compute", "DELETE", `/servers/${former}/metadata/${MARK}`, z.unknown());
    },
  };
};
export type Project = ReturnType<typeof openProject>;
