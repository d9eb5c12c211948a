import { homedir } from "node:os";
import { join } from "node:path";

/** Where everything durable is kept unless somebody says otherwise. */
export const defaultDataFolder = (): string => join(homedir(), ".local", "share", "lull");
