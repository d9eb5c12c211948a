import { type Api, collect } from "../client/request.ts";
import {
  createSubscription,
  type Delivery,
  deleteSubscription,
  getSubscription,
  listDeliveries,
  listSubscriptions,
  replaySubscription,
  type Subscription,
  testSubscription,
} from "../client/subscriptions.ts";
import type { Command, Context } from "./command.ts";
import { confirm } from "./confirm.ts";
import { tell } from "./control-commands.ts";
import { count } from "./counts.ts";
import { EXIT, ExitError, UsageError } from "./exit.ts";
import { type Column, formatOf, printFields, printRows } from "./output.ts";
import { isWholeId } from "./session-id.ts";
import { parseInstant, showTime } from "./times.ts";

const columns: readonly Column<Subscription>[] = [
  { name: "subscription_id", of: ({ subscription_id }) => subscription_id },
  { name: "url", of: ({ url }) => url },
  { name: "events", of: ({ events }) => events, show: ({ events }) => events.join(" ") },
  { name: "description", of: ({ description }) => description },
  {
    name: "created_at",
    of: ({ created_at }) => created_at,
    show: ({ created_at }) => showTime(created_at),
  },
  { name: "created_by", of: ({ created_by }) => created_by },
];

const deliveryColumns: readonly Column<Delivery>[] = [
  { name: "at", of: ({ at }) => at, show: ({ at }) => showTime(at) },
  { name: "session_id", of: ({ session_id }) => session_id },
  { name: "event_state", of: ({ event_state }) => event_state },
  { name: "state", of: ({ state }) => state },
  { name: "attempts", of: ({ attempts }) => attempts },
  { name: "next_at", of: ({ next_at }) => next_at, show: ({ next_at }) => showTime(next_at) },
  { name: "last_error", of: ({ last_error }) => last_error },
];

/** The subscription that is meant, by its id or how that begins. */
const idOf = async (api: Api, text: string): Promise<string> => {
  if (isWholeId(text)) return text.toLowerCase();
  const found = (await listSubscriptions(api)).filter(({ subscription_id }) =>
    subscription_id.startsWith(text.toLowerCase()),
  );
  const [one, other] = found;
  if (one !== undefined && other === undefined) return one.subscription_id;
  const what = one === undefined ? "no subscription has" : "more than one subscription has";
  throw new UsageError(`${what} an id that begins with "${text}"`);
};

const open = async ({ args, values, connect }: Context) => {
  formatOf(values);
  const api = await connect();
  return { api, id: await idOf(api, args[0] ?? "") };
};

const create = async (context: Context): Promise<number> => {
  const { args, values, connect } = context;
  formatOf(values);
  const [url = ""] = args;
  const description = values.text("description");
  const events = values.list("event").flatMap((types) => types.split(","));
  const created = await createSubscription(await connect(), {
    url,
    ...(events.length > 0 && { events }),
    ...(description !== undefined && { description }),
  });
  const { subscription_id, secret } = created;
  return tell(context, created, [
    `subscription ${subscription_id} sends to ${url}`,
    `secret: ${secret}`,
    "it is shown only now: your receiver checks signatures with it",
    `try it: lull project subscription test ${subscription_id}`,
  ]);
};

const list = async ({ values, terminal, connect }: Context): Promise<number> => {
  formatOf(values);
  printRows(terminal, values, columns, await listSubscriptions(await connect()));
  return EXIT.done;
};

const show = async (context: Context): Promise<number> => {
  const { values, terminal } = context;
  const { api, id } = await open(context);
  printFields(terminal, values, columns, await getSubscription(api, id));
  return EXIT.done;
};

const deliveries = async (context: Context): Promise<number> => {
  const { values, terminal } = context;
  const { api, id } = await open(context);
  printRows(terminal, values, deliveryColumns, await collect(listDeliveries(api, id)));
  return EXIT.done;
};

const remove = async (context: Context): Promise<number> => {
  const { values, terminal } = context;
  const { api, id } = await open(context);
  const { url } = await getSubscription(api, id);
  await confirm(terminal, values, `Send nothing more to ${url}?`);
  await deleteSubscription(api, id);
  return tell(context, { subscription_id: id }, [
    `subscription ${id} is deleted: nothing more is sent to ${url}`,
  ]);
};

const test = async (context: Context): Promise<number> => {
  const { api, id } = await open(context);
  const answer = await testSubscription(api, id);
  const { delivered, status, error } = answer;
  const words = error ?? `it answered ${status}`;
  if (!delivered) throw new ExitError(`the receiver did not take it: ${words}`, EXIT.failed);
  return tell(context, answer, [`the receiver took it: ${words}`]);
};

const replay = async (context: Context): Promise<number> => {
  const { values, terminal } = context;
  const text = values.text("since");
  if (text === undefined)
    throw new UsageError('"lull project subscription replay" needs --since TIME');
  const since = parseInstant("--since", text, terminal.now());
  const { api, id } = await open(context);
  const replayed = await replaySubscription(api, id, since);
  return tell(context, { subscription_id: id, replayed }, [
    `${count(replayed, "message")} will be sent again, within a minute or so`,
  ]);
};

export const subscriptionCommands: readonly Command[] = [
  {
    name: "project subscription create",
    summary: "Have your project's maintenance told to a webhook, and show its secret",
    args: ["URL"],
    options: ["event", "description", "format"],
    notes: `For members of a project, as all of these. The URL is https, or lies in a network that the operator
opened. Messages are signed as Standard Webhooks has it.`,
    examples: [
      "project subscription create https://vnfm.example.org/maintenance",
      "project subscription create https://vnfm.example.org/maintenance --event maintenance.scheduled,maintenance.override",
    ],
    run: create,
  },
  {
    name: "project subscription list",
    summary: "List the webhooks of your project",
    args: [],
    options: ["format", "column"],
    examples: ["project subscription list", "project subscription list -f json"],
    run: list,
  },
  {
    name: "project subscription show",
    summary: "Show a webhook; never its secret",
    args: ["SUBSCRIPTION"],
    options: ["format", "column"],
    examples: ["project subscription show 7f3c"],
    run: show,
  },
  {
    name: "project subscription deliveries",
    summary: "List what was sent to a webhook, or is to be, and how that went",
    args: ["SUBSCRIPTION"],
    options: ["format", "column"],
    examples: ["project subscription deliveries 7f3c -c at,state,last_error"],
    run: deliveries,
  },
  {
    name: "project subscription delete",
    summary: "Send nothing more to a webhook",
    args: ["SUBSCRIPTION"],
    options: ["yes", "format"],
    examples: ["project subscription delete 7f3c --yes"],
    run: remove,
  },
  {
    name: "project subscription test",
    summary: "Send a webhook a signed message that says nothing, now",
    args: ["SUBSCRIPTION"],
    options: ["format"],
    examples: ["project subscription test 7f3c"],
    run: test,
  },
  {
    name: "project subscription replay",
    summary: "Send a webhook again what told of anything since an instant",
    args: ["SUBSCRIPTION"],
    options: ["since", "format"],
    notes: "Each message has the id that it had: a receiver that has it knows it again.",
    examples: ["project subscription replay 7f3c --since 2026-03-01T06:00:00Z"],
    run: replay,
  },
];
