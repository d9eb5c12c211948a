/** What `up.sh` reads, see the lab's README: a lab of the night's own, which may run beside the usual one. */
const LAB = {
  LAB: "/tmp/lull-night",
  COMPUTES: "20",
  SERVERS: "60",
  DB_PORT: "23346",
  CACHE_PORT: "21251",
  MQ_PORT: "25710",
  MQ_HTTP_PORT: "25711",
  MQ_DIST_PORT: "25713",
  EPMD_PORT: "24409",
  KEYSTONE_PORT: "5040",
  NOVA_PORT: "8814",
  PLACEMENT_PORT: "8818",
  GLANCE_PORT: "9332",
  NEUTRON_PORT: "9736",
  AODH_PORT: "8082",
};

/** Must have happened before `lab.ts` is loaded, which reads the folder once. */
export const takeOwnLab = (): void => {
  for (const [name, value] of Object.entries(LAB)) process.env[name] ??= value;
};
