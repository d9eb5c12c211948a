import type { CloudConfig } from "../../lib/openstack/cloud.ts";
import { lullHere } from "../lib/cli/lull.ts";
import type { Play } from "./stage.ts";

/** The command as a user of the cloud types it, by the clock of the stage. */
export const commandAs =
  (
    { api, clock }: Pick<Play, "api" | "clock">,
    { auth_url, username = "", password = "", project_name = "" }: CloudConfig,
  ) =>
  (...args: string[]) =>
    lullHere(args, {
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

/** The same as the cloud's admin. */
export const commandOf = (play: Play) => commandAs(play, play.simulator.config);
