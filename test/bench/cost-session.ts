import { parseArgs } from "node:util";
import { sleep } from "../../localstack/clock.ts";
import { type Usage, usageMeter } from "./aws-usage.ts";
import { openStage, playSession } from "./played-session.ts";

/** What `cost.ts` gets from this process. */
export type PlayedCost = {
  readonly hosts: number;
  readonly parallel: number;
  /** Of the clock, from the order to the session's end. */
  readonly hours: number;
  readonly session: Usage;
  /** `idleHours` after the session with nothing to do. */
  readonly idle: Usage;
  readonly idleHours: number;
};

const INSTANCES_PER_HOST = 2;
/** Of the clock: 1,000 hosts take less than a day. */
const MOST_HOURS = 100;
const IDLE_HOURS = 2;

/** Plays one session and then some idle time, and sends what they used to the parent process. */
const main = async (hosts: number): Promise<PlayedCost> => {
  const parallel = Math.min(50, Math.max(2, Math.floor(hosts / 10)));
  const meter = usageMeter();
  const stage = await openStage({
    hosts,
    instances: hosts * INSTANCES_PER_HOST,
    wrap: meter.wrap,
    observer: meter.observer,
    logLevel: "INFO",
  });
  meter.begin(stage.stack);
  let began = 0;
  const result = await playSession(stage, {
    parallel,
    hours: MOST_HOURS,
    begins: () => {
      began = stage.clock.now();
      meter.begin(stage.stack);
    },
    tell: console.error,
  });
  if (result !== "done") throw new Error(`the session ended as ${result}`);
  const hours = (stage.clock.now() - began) / 3_600_000;
  const session = meter.read();
  meter.begin(stage.stack);
  await stage.drive(sleep(stage.clock, IDLE_HOURS * 3_600_000));
  const idle = meter.read();
  await stage.close();
  return { hosts, parallel, hours, session, idle, idleHours: IDLE_HOURS };
};

const { values } = parseArgs({ options: { hosts: { type: "string", default: "10" } } });
const played = await main(Number(values.hosts));
process.send?.(played);
process.disconnect?.();
