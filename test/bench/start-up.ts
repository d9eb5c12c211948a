import { median, type Table } from "./figure.ts";
import { startProcess } from "./lull-process.ts";

const RUNS = 7;
const PORT = 12_390;

/** Time from the start of the process until the API answers, and its memory then; first run apart. */
export const startUp = async (): Promise<Table> => {
  const first = await startProcess(PORT);
  await first.stop();
  const times: number[] = [];
  const sizes: number[] = [];
  for (let run = 0; run < RUNS; run++) {
    const lull = await startProcess(PORT);
    times.push(lull.readyMs);
    sizes.push(lull.rssMb());
    await lull.stop();
  }
  return [
    ["figure", "measured", "bar"],
    ["first start in this folder", `${(first.readyMs / 1000).toFixed(2)} s`, ""],
    [`warm start, median of ${RUNS}`, `${(median(times) / 1000).toFixed(2)} s`, "<= 1 s"],
    ["memory (RSS) with the simulated cloud in it", `${median(sizes).toFixed(0)} MB`, "<= 120 MB"],
  ];
};
