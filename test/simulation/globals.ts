import { AsyncLocalStorage } from "node:async_hooks";
import * as crypto from "node:crypto";
import * as fs from "node:fs";
import * as http from "node:http";
import { createRequire } from "node:module";
import { DatabaseSync } from "node:sqlite";
import type { Clock } from "../../localstack/clock.ts";
import type { Network } from "./network.ts";
import { isAlive, parties } from "./parties.ts";

/** What one seed's world consists of. */
type Nature = {
  readonly clock: Clock;
  readonly chance: () => number;
  readonly network: Network;
};

/**
 * What scripts get in place of the globals and modules of Node: the same objects for every seed, so
 * that libraries stay loaded, and behind them the nature of the seed that is played.
 */
export type Globals = {
  readonly values: Readonly<Record<string, unknown>>;
  /** A new world: its own nature, an empty environment, no files. */
  readonly enter: (nature: Nature) => void;
  /** Closes every file; nothing of the world outlives it. */
  readonly leave: () => void;
};

const realRequire = createRequire(import.meta.url);

/** The properties of a module, copied: bundles read them one by one. */
const copyOf = (module: object): Record<string, unknown> => ({
  ...Object.fromEntries(
    Object.getOwnPropertyNames(module).map((name) => [name, Reflect.get(module, name)]),
  ),
});

/** Timers of the clock; one set for somebody who has died by then does not run. */
const timersOf = (clock: Clock) => {
  const cancels = new Map<number, () => void>();
  let last = 0;
  const setTimer = (act: (...args: unknown[]) => void, ms = 0, ...args: unknown[]) => {
    const owner = parties.getStore();
    const inContext = AsyncLocalStorage.snapshot();
    last += 1;
    const id = last;
    const cancel = clock.at(clock.now() + Math.max(1, Math.ceil(Number(ms) || 0)), () => {
      cancels.delete(id);
      if (isAlive(owner)) inContext(() => act(...args));
    });
    cancels.set(id, cancel);
    return Object.assign(Object(id), { unref: () => undefined, ref: () => undefined });
  };
  const clearTimer = (timer: unknown) => {
    const id = Number(timer);
    cancels.get(id)?.();
    cancels.delete(id);
  };
  return { setTimer, clearTimer, forget: () => cancels.clear() };
};
type Timers = ReturnType<typeof timersOf>;

const timersPromises = ({ setTimer, clearTimer }: Timers) => ({
  setTimeout: (ms: number, value?: unknown, options: { readonly signal?: AbortSignal } = {}) =>
    new Promise((resolve, reject) => {
      const timer = setTimer(() => resolve(value), ms);
      options.signal?.addEventListener("abort", () => {
        clearTimer(timer);
        reject(options.signal?.reason);
      });
    }),
  setImmediate: (value?: unknown) =>
    new Promise((resolve) => {
      setTimer(() => resolve(value), 0);
    }),
});

const dateOf = (clock: Clock) =>
  new Proxy(Date, {
    construct: (target, args, newTarget) =>
      Reflect.construct(target, args.length > 0 ? args : [clock.now()], newTarget),
    get: (target, name) => (name === "now" ? clock.now : Reflect.get(target, name)),
  });

const abortSignalOf = ({ setTimer }: Timers) =>
  new Proxy(AbortSignal, {
    get: (target, name) =>
      name === "timeout"
        ? (ms: number) => {
            const controller = new AbortController();
            setTimer(() => controller.abort(new DOMException("timeout", "TimeoutError")), ms);
            return controller.signal;
          }
        : Reflect.get(target, name),
  });

const cryptoOf = (chance: () => number) => {
  const randomBytes = (size: number) =>
    Buffer.from(Array.from({ length: size }, () => Math.floor(chance() * 256)));
  const randomUUID = () => {
    const hex = randomBytes(16).toString("hex");
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`;
  };
  return { ...copyOf(crypto), randomBytes, randomUUID };
};

/** One database in memory for each path, which stays when its process dies; locks die with it. */
const sqliteOf = () => {
  const files = new Map<string, DatabaseSync>();
  class Kept extends DatabaseSync {
    constructor(path: string) {
      super(":memory:");
      const kept = path.endsWith("/lock") ? undefined : files.get(path);
      if (kept) {
        super.close();
        // biome-ignore lint/correctness/noConstructorReturn: the file that was there before
        return kept as this;
      }
      if (!path.endsWith("/lock")) files.set(path, this);
    }
    override close(): void {
      // Others may still have it open.
    }
    end(): void {
      super.close();
    }
  }
  return {
    module: { DatabaseSync: Kept },
    close: () => {
      for (const file of files.values()) if (file instanceof Kept) file.end();
      files.clear();
    },
  };
};

const noFile = async () => {
  throw Object.assign(new Error("there are no files here"), { code: "ENOENT" });
};

const fetchOver =
  (request: Network["http"]["request"]) =>
  (
    url: string | URL,
    options: {
      readonly method?: string;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string;
      readonly signal?: AbortSignal;
    } = {},
  ) =>
    new Promise((resolve, reject) => {
      const outgoing = request(url, options);
      outgoing.once("error", reject);
      outgoing.once("response", (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.once("end", () => {
          const text = Buffer.concat(chunks).toString("utf8");
          resolve({
            ok: response.statusCode < 300,
            status: response.statusCode,
            headers: new Headers(response.headers),
            text: async () => text,
            json: async () => JSON.parse(text),
          });
        });
      });
      outgoing.end(options.body);
    });

/** Node as the virtual world has it: its time, chance, network, files and environment. */
export const virtualGlobals = (): Globals => {
  let current: Nature | undefined;
  let environment: Record<string, string> = {};
  const nature = (): Nature => {
    if (!current) throw new Error("no seed is played at the moment");
    return current;
  };
  const clock: Clock = {
    now: () => current?.clock.now() ?? 0,
    at: (when, act) => nature().clock.at(when, act),
    hold: () => nature().clock.hold(),
  };
  const chance = () => nature().chance();
  const request: Network["http"]["request"] = (...args) => nature().network.http.request(...args);
  const createServer: Network["http"]["createServer"] = (...args) =>
    nature().network.http.createServer(...args);
  const timers = timersOf(clock);
  const sqlite = sqliteOf();
  const process_ = new Proxy(process, {
    get: (target, name) => (name === "env" ? environment : Reflect.get(target, name)),
  });
  const crypto_ = cryptoOf(chance);
  const modules = new Map<string, unknown>([
    ["http", { ...copyOf(http), request, createServer }],
    ["crypto", crypto_],
    ["sqlite", sqlite.module],
    ["timers/promises", timersPromises(timers)],
    ["fs/promises", { readFile: noFile }],
    ["fs", { ...copyOf(fs), promises: { readFile: noFile } }],
    ["process", process_],
  ]);
  return {
    values: {
      require: (name: string) => modules.get(name.replace(/^node:/, "")) ?? realRequire(name),
      process: process_,
      Date: dateOf(clock),
      Math: Object.assign(copyOf(Math), { random: chance }),
      performance: { now: clock.now },
      setTimeout: timers.setTimer,
      clearTimeout: timers.clearTimer,
      setImmediate: (act: () => void) => timers.setTimer(act, 0),
      AbortSignal: abortSignalOf(timers),
      fetch: fetchOver(request),
      crypto: crypto_,
    },
    enter: (next) => {
      current = next;
      environment = {};
    },
    leave: () => {
      timers.forget();
      sqlite.close();
    },
  };
};
