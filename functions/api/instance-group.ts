import { readSettings } from "../../lib/config.ts";
import { constraintOperations } from "../../lib/control/constraints.ts";
import { readGroup } from "../../lib/domain/constraints.ts";
import { api, OWNERS, VIEWERS } from "../../lib/lambda/api.ts";
import { constraintStore } from "../../lib/store/constraints.ts";
import { openTable } from "../../lib/store/table.ts";

const settings = readSettings();

/** What groups of a project's instances bear together (ETSI FEAT03), as Fenix's clients tell it. */
const { put, show, list, remove } = constraintOperations(settings, {
  parameter: "group_id",
  listed: "instance_groups",
  rows: constraintStore(openTable(settings.TABLE_NAME)).groups,
  read: readGroup,
  // A group is the VNFM's own notion and need not be one of Nova's: whoever names it first has it.
  check: async () => undefined,
});

export const handler = api([
  { method: "GET", path: "/v1/instance_group", allow: VIEWERS, run: list },
  { method: "GET", path: "/v1/instance_group/{group_id}", allow: VIEWERS, run: show },
  { method: "PUT", path: "/v1/instance_group/{group_id}", allow: OWNERS, run: put },
  { method: "DELETE", path: "/v1/instance_group/{group_id}", allow: OWNERS, run: remove },
]);
