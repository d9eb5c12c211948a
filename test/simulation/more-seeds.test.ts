import { keepPromises } from "./seeds.ts";

await keepPromises(101, 100);
