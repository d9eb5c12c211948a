const quoted = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;

/** A command to be pasted into a shell: names come from the cloud, so odd ones are quoted. */
export const shell = (...words: readonly string[]): string => words.map(quoted).join(" ");

/**
 * Commands that the client refuses, or takes otherwise, in the old API version that it speaks by
 * itself.
 *
 * @see https://docs.openstack.org/python-openstackclient/latest/cli/command-objects/server-migration.html
 * @see https://docs.openstack.org/releasenotes/osc-placement/wallaby.html
 */
const VERSIONS: readonly { readonly begins: string; readonly options: readonly string[] }[] = [
  { begins: "server migrate", options: ["--os-compute-api-version", "2.56"] },
  { begins: "server migration abort", options: ["--os-compute-api-version", "2.24"] },
  { begins: "server migration force complete", options: ["--os-compute-api-version", "2.22"] },
  { begins: "compute service delete", options: ["--os-compute-api-version", "2.53"] },
  { begins: "compute service list", options: ["--os-compute-api-version", "2.53"] },
  { begins: "resource provider allocation unset", options: ["--os-placement-api-version", "1.12"] },
];

const versionOf = (words: readonly string[]): readonly string[] =>
  VERSIONS.find(({ begins }) => `${words.join(" ")} `.startsWith(`${begins} `))?.options ?? [];

/** Writes `openstack` commands for the cloud that was named on the command line, if one was. */
export type OpenStackCommand = (...words: readonly string[]) => string;

export const openstackFor =
  (cloud: string | undefined): OpenStackCommand =>
  (...words) =>
    shell(
      "openstack",
      ...(cloud === undefined ? [] : ["--os-cloud", cloud]),
      ...versionOf(words),
      ...words,
    );
