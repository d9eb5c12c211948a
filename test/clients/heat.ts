import { createServer } from "node:http";
import type { Simulator } from "../../localstack/openstack/simulator.ts";

const RESOURCES = /\/(?<project>[^/]+)\/stacks\/(?<stack>[^/]+)\/resources\?/;

/**
 * As much of Heat as tells the servers of a stack. Every stack holds all servers of its project.
 *
 * @param simulator asked at each request: a cloud knows where its Heat is before it is there itself
 */
export const startHeat = async (port: number, simulator: () => Simulator) => {
  const resourcesOf = (project: string, stack: string) =>
    [...simulator().world.instances.values()]
      .filter(({ project_id, vm_state }) => project_id === project && vm_state !== "deleted")
      .map(({ id }) => ({
        resource_name: "VDU1",
        resource_type: "OS::Nova::Server",
        resource_status: "CREATE_COMPLETE",
        physical_resource_id: id,
        links: [
          {
            rel: "self",
            href: `http://127.0.0.1:${port}/heat-api/v1/${project}/stacks/vnf/${stack}/resources/VDU1`,
          },
        ],
      }));
  const server = createServer(({ url = "" }, response) => {
    const { project = "", stack = "" } = RESOURCES.exec(url)?.groups ?? {};
    const body = JSON.stringify({ resources: resourcesOf(project, stack) });
    response.writeHead(200, { "content-type": "application/json" }).end(body);
  });
  await new Promise<void>((resolve) => {
    server.listen(port, "127.0.0.1", resolve);
  });
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      }),
  };
};
