import { setTimeout as pause } from "node:timers/promises";
import { getHost, getSync, type Host, listHosts, startSync } from "../client/hosts.ts";
import { collect } from "../client/request.ts";
import type { Command, Context } from "./command.ts";
import { EXIT } from "./exit.ts";
import { type Column, formatOf, printFields, printRows } from "./output.ts";
import { showTime } from "./times.ts";

const listColumns: readonly Column<Host>[] = [
  { name: "name", of: ({ name }) => name },
  { name: "region", of: ({ region }) => region },
  { name: "zone", of: ({ zone }) => zone },
  { name: "status", of: ({ service }) => service.status },
  { name: "state", of: ({ service }) => service.state },
  { name: "reason", of: ({ service }) => service.disabled_reason },
  { name: "session", of: ({ session_id }) => session_id },
];

const showColumns: readonly Column<Host>[] = [
  ...listColumns,
  { name: "cloud", of: ({ cloud }) => cloud },
  { name: "hypervisor", of: ({ hypervisor }) => hypervisor?.hostname },
  { name: "type", of: ({ hypervisor }) => hypervisor?.type },
  { name: "version", of: ({ hypervisor }) => hypervisor?.version },
  { name: "labels", of: ({ labels }) => labels },
  { name: "instance_storage", of: ({ instance_storage }) => instance_storage },
  { name: "gone", of: ({ gone }) => gone },
  {
    name: "synced_at",
    of: ({ synced_at }) => synced_at,
    show: ({ synced_at }) => showTime(synced_at),
  },
  { name: "id", of: ({ id }) => id },
];

const list = async ({ values, terminal, connect }: Context): Promise<number> => {
  formatOf(values);
  const api = await connect();
  const hosts = await collect(listHosts(api, { region: values.text("region") }));
  const seen = values.flag("all") ? hosts : hosts.filter(({ gone }) => !gone);
  printRows(terminal, values, listColumns, seen);
  if (seen.length === 0 && terminal.isScreen)
    terminal.err('no hosts; "lull host sync" reads them from the cloud');
  return EXIT.done;
};

const show = async ({ values, args, terminal, connect }: Context): Promise<number> => {
  formatOf(values);
  const [name = ""] = args;
  printFields(terminal, values, showColumns, await getHost(await connect(), name));
  return EXIT.done;
};

const SYNC_POLL_MS = 500;

const sync = async ({ values, terminal, connect }: Context): Promise<number> => {
  const api = await connect();
  let current = await startSync(api);
  if (values.flag("wait"))
    while (current.state === "REQUESTED" || current.state === "RUNNING") {
      await pause(SYNC_POLL_MS);
      current = await getSync(api, current.sync_id);
    }
  printFields(
    terminal,
    values,
    (["sync_id", "state", "seen", "created", "updated", "gone", "error"] as const).map((name) => ({
      name,
      of: (row: typeof current) => row[name],
    })),
    current,
  );
  return current.state === "FAILED" ? EXIT.failed : EXIT.done;
};

export const hostCommands: readonly Command[] = [
  {
    name: "host list",
    summary: "List the hosts of the inventory",
    args: [],
    options: ["all", "region", "format", "column"],
    examples: [
      "host list",
      "host list -f value -c name,state",
      "host list -f json | jq -r '.[] | select(.service.status==\"disabled\").name'",
    ],
    run: list,
  },
  {
    name: "host show",
    summary: "Show one host",
    args: ["HOST"],
    options: ["format", "column"],
    examples: ["host show cmp-01", "host show cmp-01 -f value -c status"],
    run: show,
  },
  {
    name: "host sync",
    summary: "Read the hosts from the cloud again",
    args: [],
    options: ["wait", "format", "column"],
    examples: ["host sync --wait"],
    run: sync,
  },
];
