import { readSettings } from "../../lib/config.ts";
import { constraintOperations } from "../../lib/control/constraints.ts";
import { instanceOwner } from "../../lib/control/instance-owner.ts";
import { readInstance } from "../../lib/domain/constraints.ts";
import { api, keystone, OWNERS, VIEWERS } from "../../lib/lambda/api.ts";
import { constraintStore } from "../../lib/store/constraints.ts";
import { openTable } from "../../lib/store/table.ts";

const settings = readSettings();
const ownedBy = instanceOwner(settings, keystone);

/** What a project's instances bear (ETSI FEAT03), as Fenix's clients tell it. */
const { put, show, list, remove } = constraintOperations(settings, {
  parameter: "instance_id",
  listed: "instances",
  rows: constraintStore(openTable(settings.TABLE_NAME)).instances,
  read: readInstance,
  check: ({ headers }, instanceId, projectId) =>
    ownedBy({ token: headers["x-auth-token"] ?? "", instanceId, projectId }),
});

export const handler = api([
  { method: "GET", path: "/v1/instance", allow: VIEWERS, run: list },
  { method: "GET", path: "/v1/instance/{instance_id}", allow: VIEWERS, run: show },
  { method: "PUT", path: "/v1/instance/{instance_id}", allow: OWNERS, run: put },
  { method: "DELETE", path: "/v1/instance/{instance_id}", allow: OWNERS, run: remove },
]);
