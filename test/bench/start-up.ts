import { type Figure, median } from "./figure.ts";
import { startProcess } from "./lull-process.ts";

const RUNS = 7;
const PORT = 12_390;

/** Time from the start of the process until the API answers, and its memory then; first run apart. */
export const startUp = async (): Promise<Figure[]> => {
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
    {
      figure: "first start in this folder",
      value: `${(first.readyMs / 1000).toFixed(2)} s`,
      bar: "",
    },
    {
      figure: `warm start, median of ${RUNS}`,
      value: `${(median(times) / 1000).toFixed(2)} s`,
      bar: "<= 1 s",
    },
    {
      figure: "memory (RSS) with the simulated cloud in it",
      value: `${median(sizes).toFixed(0)} MB`,
      bar: "<= 120 MB",
    },
  ];
};
