const quoted = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;

/** A command to be pasted into a shell: names come from the cloud, so odd ones are quoted. */
export const shell = (...words: readonly string[]): string => words.map(quoted).join(" ");

/** Writes `openstack` commands for the cloud that was named on the command line, if one was. */
export type OpenStackCommand = (...words: readonly string[]) => string;

export const openstackFor =
  (cloud: string | undefined): OpenStackCommand =>
  (...words) =>
    shell("openstack", ...(cloud === undefined ? [] : ["--os-cloud", cloud]), ...words);
