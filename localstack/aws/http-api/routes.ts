import type { RouteModel } from "../template/model.ts";

type Route = RouteModel & {
  readonly method: string;
  readonly segments: readonly string[];
  readonly greedy: string | undefined;
};

export type Match = {
  readonly route: RouteModel;
  readonly pathParameters: Readonly<Record<string, string>>;
};

const GREEDY = /^\{([^}]+)\+\}$/;
const VARIABLE = /^\{([^}]+)\}$/;

const segmentsOf = (path: string) => path.split("/").slice(1);

const compile = (route: RouteModel): Route => {
  const [method = "", path = ""] = route.key.split(" ");
  const segments = segmentsOf(path);
  const greedy = GREEDY.exec(segments.at(-1) ?? "")?.[1];
  return { ...route, method, segments: greedy ? segments.slice(0, -1) : segments, greedy };
};

const matchPath = (route: Route, given: readonly string[]): Record<string, string> | undefined => {
  const { segments, greedy } = route;
  if (greedy ? given.length <= segments.length : given.length !== segments.length) return undefined;
  const parameters: Record<string, string> = {};
  for (const [index, segment] of segments.entries()) {
    const value = given[index] ?? "";
    const variable = VARIABLE.exec(segment)?.[1];
    if (variable !== undefined && value !== "") parameters[variable] = value;
    else if (segment !== value) return undefined;
  }
  if (greedy) {
    const rest = given.slice(segments.length).join("/");
    if (rest === "") return undefined;
    parameters[greedy] = rest;
  }
  return parameters;
};

/** Literal segments before variables, whole paths before greedy ones, a method before ANY. */
const precedence = ({ segments, greedy, method }: Route) =>
  `${greedy ? 1 : 0}${segments.map((segment) => (VARIABLE.test(segment) ? 1 : 0)).join("")}${method === "ANY" ? 1 : 0}`;

/**
 * Finds the route of a request as an HTTP API does: the most specific one first, then `$default`
 * (API Gateway developer guide, "Routing API requests"). A path that exists only under another
 * method has no route.
 */
export const router = (models: readonly RouteModel[]) => {
  const fallback = models.find(({ key }) => key === "$default");
  const routes = models
    .filter((model) => model !== fallback)
    .map(compile)
    .sort(
      (left, right) =>
        Number(left.greedy !== undefined) - Number(right.greedy !== undefined) ||
        right.segments.length - left.segments.length ||
        precedence(left).localeCompare(precedence(right)),
    );
  return (method: string, path: string): Match | undefined => {
    const given = segmentsOf(path);
    for (const route of routes) {
      if (route.method !== method && route.method !== "ANY") continue;
      const pathParameters = matchPath(route, given);
      if (pathParameters) return { route, pathParameters };
    }
    return fallback && { route: fallback, pathParameters: {} };
  };
};
