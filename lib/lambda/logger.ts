import { Logger } from "@aws-lambda-powertools/logger";

/** Structured lines, one a step or request; the level comes from POWERTOOLS_LOG_LEVEL. */
export const logger = new Logger({ serviceName: "lull" });
