import { keepPromises } from "./seeds.ts";

await keepPromises(1, 100);
