import * as z from "zod";
import type { BenchCluster, BenchOptions } from "./clusters.ts";

/** A host or an instance, by its name or its index. */
const named = z.union([z.string(), z.int().nonnegative()]);
const event = z.discriminatedUnion("event", [
  z.object({
    t: z.number(),
    event: z.enum(["migrate_start", "migrate_end"]),
    vm: named,
    from: named,
    to: named,
  }),
  z.object({ t: z.number(), event: z.enum(["work_start", "work_end"]), host: named }),
]);
const printed = z.object({
  plan_seconds: z.number().nonnegative(),
  makespan_seconds: z.number().nonnegative(),
  migrations: z.int().nonnegative(),
  complete: z.boolean(),
  blocked: z.array(z.object({ host: named, instance: named.nullable(), rule: z.string().min(1) })),
  timeline: z.array(event),
});

type Printed = z.infer<typeof printed>;
type Event = Printed["timeline"][number];
type MoveEvent = Extract<Event, { readonly vm: unknown }>;
type WorkEvent = Exclude<Event, MoveEvent>;
type Vm = { readonly mem: number; readonly vcpu: number; readonly aa: string | null };

/** The bench may round what it prints to milliseconds. */
const ROUNDING = 0.002;
const PROCESSORS_PER_CORE = 4;

/** A host as the grader keeps book of it. */
type Ledger = {
  readonly name: string;
  readonly az: string;
  readonly mem: number;
  readonly vcpu: number;
  /** Instances that take its room: on it, on their way to it, or on their way from it. */
  readonly holds: Set<Vm>;
  /** Sums over those, kept so that a large cluster is graded in seconds. */
  usedMem: number;
  usedVcpu: number;
  readonly groups: Map<string, number>;
  moving: number;
  workStarted: number | null;
  isDone: boolean;
};

type Book = {
  readonly options: BenchOptions;
  readonly hosts: readonly Ledger[];
  readonly vms: readonly Vm[];
  readonly hostOf: (name: string | number) => Ledger | undefined;
  readonly vmOf: (name: string | number) => Vm | undefined;
  readonly on: Map<Vm, Ledger>;
  readonly flights: Map<Vm, { readonly to: Ledger; readonly started: number }>;
  readonly errors: string[];
  t: number;
};

/**
 * Grades what the planner's bench printed, against the cluster it was given and the options it was
 * run with. Written for one who sees only these: there is no telling when a host was opened, so
 * with a limit on hosts at once it counts as one of them from the first move off it that no move
 * onto it followed.
 *
 * @returns everything that is wrong; nothing for a plan that may be carried out
 */
export const grade = (cluster: BenchCluster, options: BenchOptions, output: unknown): string[] => {
  const read = printed.safeParse(output);
  if (!read.success) return [z.prettifyError(read.error)];
  const book = openBook(cluster, options);
  for (const one of read.data.timeline) follow(book, one);
  const { errors } = book;
  if (book.flights.size > 0) errors.push(`${book.flights.size} moves do not end`);
  for (const { name, workStarted } of book.hosts)
    if (workStarted !== null) errors.push(`the work on ${name} does not end`);
  checkFigures(book, read.data);
  checkParallel(book, read.data.timeline);
  return errors;
};

const openBook = (cluster: BenchCluster, options: BenchOptions): Book => {
  const hosts = cluster.hosts.map(
    ({ name, az, mem, cpu }): Ledger => ({
      name,
      az,
      mem,
      vcpu: cpu * PROCESSORS_PER_CORE,
      holds: new Set(),
      usedMem: 0,
      usedVcpu: 0,
      groups: new Map(),
      moving: 0,
      workStarted: null,
      isDone: false,
    }),
  );
  const vms: Vm[] = [];
  const on: Book["on"] = new Map();
  for (const vm of cluster.vms) {
    vms.push(vm);
    const host = hosts[vm.host];
    if (host === undefined) throw new RangeError(`${vm.name} is on no host`);
    on.set(vm, host);
    hold(host, vm);
  }
  return {
    options,
    hosts,
    vms,
    hostOf: finder(cluster.hosts, hosts),
    vmOf: finder(cluster.vms, vms),
    on,
    flights: new Map(),
    errors: [],
    t: 0,
  };
};

const finder = <T>(rows: readonly { readonly name: string }[], items: readonly T[]) => {
  const byName = new Map(rows.map(({ name }, index) => [name, items[index]]));
  return (name: string | number): T | undefined =>
    typeof name === "number" ? items[name] : byName.get(name);
};

const hold = (host: Ledger, vm: Vm): void => {
  host.holds.add(vm);
  host.usedMem += vm.mem;
  host.usedVcpu += vm.vcpu;
  if (vm.aa !== null) host.groups.set(vm.aa, (host.groups.get(vm.aa) ?? 0) + 1);
};

const release = (host: Ledger, vm: Vm): void => {
  host.holds.delete(vm);
  host.usedMem -= vm.mem;
  host.usedVcpu -= vm.vcpu;
  if (vm.aa !== null) host.groups.set(vm.aa, (host.groups.get(vm.aa) ?? 0) - 1);
};

const follow = (book: Book, one: Event): void => {
  if (one.t < book.t) book.errors.push(`time falls: ${JSON.stringify(one)}`);
  book.t = one.t;
  const wrong = "vm" in one ? followMove(book, one) : followWork(book, one);
  book.errors.push(...wrong.map((what) => `${what}: ${JSON.stringify(one)}`));
};

const followMove = (book: Book, one: MoveEvent): string[] => {
  const [vm, from, to] = [book.vmOf(one.vm), book.hostOf(one.from), book.hostOf(one.to)];
  if (vm === undefined || from === undefined || to === undefined) return ["nobody knows this"];
  if (book.on.get(vm) !== from) return ["the instance is elsewhere"];
  return one.event === "migrate_start"
    ? depart(book, { vm, from, to })
    : arrive(book, { vm, from, to });
};

type Move = { readonly vm: Vm; readonly from: Ledger; readonly to: Ledger };

const depart = (book: Book, { vm, from, to }: Move): string[] => {
  if (book.flights.has(vm)) return ["the instance is moving already"];
  if (from === to) return ["the move goes nowhere"];
  book.flights.set(vm, { to, started: book.t });
  hold(to, vm);
  from.moving += 1;
  to.moving += 1;
  return wrongIf({
    "a host at work takes part": from.workStarted !== null || to.workStarted !== null,
    "the target has too little memory": to.usedMem > to.mem,
    "the target has too few processors": to.usedVcpu > to.vcpu,
    "a host takes part in too many moves": Math.max(from.moving, to.moving) > book.options.slots,
    "two of an anti-affinity group share a host": vm.aa !== null && (to.groups.get(vm.aa) ?? 0) > 1,
    "the instance leaves its zone": book.options.sameAz && from.az !== to.az,
  });
};

const arrive = (book: Book, { vm, from, to }: Move): string[] => {
  const flight = book.flights.get(vm);
  if (flight?.to !== to) return ["no such move has begun"];
  book.flights.delete(vm);
  book.on.set(vm, to);
  release(from, vm);
  from.moving -= 1;
  to.moving -= 1;
  const { fix, mbps } = book.options;
  const isOff = Math.abs(book.t - flight.started - fix - vm.mem / mbps) > ROUNDING;
  return wrongIf({ "the move takes another time": isOff });
};

const followWork = (book: Book, one: WorkEvent): string[] => {
  const host = book.hostOf(one.host);
  if (host === undefined) return ["nobody knows this host"];
  if (one.event === "work_start") {
    const wrong = wrongIf({
      "the host is not empty": host.holds.size > 0,
      "the host is at work already, or was": host.isDone || host.workStarted !== null,
    });
    host.workStarted = book.t;
    return wrong;
  }
  if (host.workStarted === null) return ["no work has begun"];
  const isOff = Math.abs(book.t - host.workStarted - book.options.work) > ROUNDING;
  host.workStarted = null;
  host.isDone = true;
  return wrongIf({ "the work takes another time": isOff });
};

const wrongIf = (cases: Readonly<Record<string, boolean>>): string[] =>
  Object.entries(cases).flatMap(([what, is]) => (is ? [what] : []));

const checkFigures = ({ errors, hosts, hostOf, vmOf }: Book, read: Printed): void => {
  const refused = read.blocked.map(({ host }) => hostOf(host)?.name);
  for (const { host, instance } of read.blocked)
    if (hostOf(host) === undefined || (instance !== null && vmOf(instance) === undefined))
      errors.push(`nobody knows what is blocked: ${host}, ${instance}`);
  for (const { name, isDone } of hosts)
    if (refused.filter((other) => other === name).length !== (isDone ? 0 : 1))
      errors.push(`${name} is not either maintained or named once as blocked`);
  if (read.complete !== hosts.every(({ isDone }) => isDone)) errors.push("complete is not true");
  const last = read.timeline.findLast((one) => one.event === "work_end")?.t ?? 0;
  if (Math.abs(read.makespan_seconds - last) > ROUNDING)
    errors.push(`makespan_seconds is ${read.makespan_seconds}, the last host is done at ${last}`);
  const moves = read.timeline.filter((one) => one.event === "migrate_start").length;
  if (read.migrations !== moves)
    errors.push(`migrations is ${read.migrations}, the timeline has ${moves}`);
};

const checkParallel = ({ errors, options, hostOf }: Book, timeline: Printed["timeline"]): void => {
  if (options.maxParallel === null) return;
  let open = 0;
  for (const { t, by } of spansOf(timeline, hostOf).sort((a, b) => a.t - b.t || a.by - b.by)) {
    open += by;
    if (open > options.maxParallel) errors.push(`${open} hosts are maintained at once at ${t}`);
  }
};

type Edge = { readonly t: number; readonly by: 1 | -1 };

/** For each host: the first move off it that no move onto it followed, and the end of its work. */
const spansOf = (timeline: Printed["timeline"], hostOf: Book["hostOf"]): Edge[] => {
  const since = new Map<Ledger | undefined, number>();
  return timeline.flatMap((one): Edge[] => {
    if ("to" in one) since.delete(hostOf(one.to));
    const host = hostOf("vm" in one ? one.from : one.host);
    if (one.event !== "migrate_end" && !since.has(host)) since.set(host, one.t);
    if (one.event !== "work_end") return [];
    const start = since.get(host) ?? one.t;
    since.delete(host);
    return [
      { t: start, by: 1 },
      { t: one.t, by: -1 },
    ];
  });
};
