import { lullHere } from "../lib/cli/lull.ts";
import type { Play } from "./stage.ts";

/** The command as the cloud's admin types it, by the clock of the stage. */
export const commandOf =
  ({ simulator, api, clock }: Play) =>
  (...args: string[]) => {
    const { auth_url, username = "", password = "", project_name = "" } = simulator.config;
    return lullHere(args, {
      now: () => clock.now(),
      env: {
        LULL_ENDPOINT: api.endpoint,
        OS_AUTH_URL: auth_url,
        OS_USERNAME: username,
        OS_PASSWORD: password,
        OS_PROJECT_NAME: project_name,
        OS_REGION_NAME: "RegionOne",
      },
    });
  };
