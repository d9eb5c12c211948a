import { takeOwnLab } from "./night/own-lab.ts";

takeOwnLab();
const { night } = await import("./night/run.ts");
process.exitCode = (await night()) ? 0 : 1;
