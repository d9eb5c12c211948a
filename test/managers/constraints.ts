import type { Called, Project } from "./project.ts";

type Group = {
  /** Of Lull's API, which real clients find in the catalog. */
  readonly lull: string;
  readonly group_id: string;
  readonly project_id: string;
  readonly max_impacted_members: number;
  /** In seconds, like `lead`. */
  readonly recovery: number;
  readonly lead: number;
};

type Member = { readonly id: string; readonly name: string };

type Body = Readonly<Record<string, string | number | boolean>>;

/** Sends a group and its members; every answer has to be 200, or Tacker tries again and again. */
const put = async (
  project: Project,
  lull: string,
  group: { readonly group_id: string } & Body,
  members: readonly ({ readonly instance_id: string } & Body)[],
): Promise<void> => {
  const answers: Called[] = [
    await project.send("PUT", `${lull}/v1/instance_group/${group.group_id}`, group),
  ];
  for (const member of members)
    answers.push(await project.send("PUT", `${lull}/v1/instance/${member.instance_id}`, member));
  const refused = answers.find(({ status }) => status !== 200);
  if (refused) throw new Error(`constraints were answered with ${JSON.stringify(refused)}`);
};

/** What Doctor's vnfm.py sends before its web server is up. */
export const constrainAsDoctor = (
  project: Project,
  { lull, recovery, lead, group_id, project_id, max_impacted_members }: Group,
  members: readonly Member[],
): Promise<void> =>
  put(
    project,
    lull,
    {
      group_id,
      project_id,
      group_name: "doctor_ha_app_group",
      anti_affinity_group: true,
      max_instances_per_host: 1,
      max_impacted_members,
      recovery_time: recovery,
      resource_mitigation: true,
    },
    members.map(({ id, name }) => ({
      instance_id: id,
      project_id,
      group_id,
      instance_name: name,
      max_interruption_time: 120,
      // Its older name for a cold migration.
      migration_type: "MIGRATION",
      resource_mitigation: true,
      lead_time: lead,
    })),
  );

/** What Tacker sends when it was configured as its own documents have it: with trailing commas. */
export const constrainAsTacker = (
  project: Project,
  { lull, recovery, lead, group_id, project_id, max_impacted_members }: Group,
  members: readonly Member[],
): Promise<void> =>
  put(
    project,
    lull,
    {
      group_id,
      // Tacker's own project, which the cloud does not know.
      project_id: "7d3f3d0e6a0c4ab0b3c6f7c1d1b5d2aa",
      group_name: `tacker_nonha_app_group_${group_id}`,
      anti_affinity_group: false,
      max_instances_per_host: 0,
      max_impacted_members: `${max_impacted_members},`,
      recovery_time: `${recovery},`,
      resource_mitigation: "True,",
    },
    members.map(({ id }) => ({
      instance_id: id,
      project_id,
      group_id,
      instance_name: "VDU1",
      max_interruption_time: "120,",
      migration_type: "MIGRATE",
      resource_mitigation: "True,",
      lead_time: `${lead},`,
    })),
  );
