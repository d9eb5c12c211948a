import { resolve } from "../../localstack/aws/template/intrinsics.ts";
import { type Resource, scopeOf, templateSchema } from "../../localstack/aws/template/scope.ts";
import { compiledTemplate } from "../../localstack/compiled.ts";

/** A resource with all references in its properties resolved. */
export type Found = Omit<Resource, "Properties"> & {
  readonly id: string;
  // biome-ignore lint/suspicious/noExplicitAny: as many shapes as there are types of resources
  readonly properties: Readonly<Record<string, any>>;
};

/** The template that a deployment with these settings would use, resource by resource. */
export const deployed = async (variables: Readonly<Record<string, string>> = {}) => {
  const template = templateSchema.parse(await compiledTemplate(variables));
  const scope = scopeOf(template, "us-east-1");
  const found = (id: string, { Properties, ...rest }: Resource): Found => ({
    id,
    ...rest,
    properties: Object(resolve(scope, Properties)),
  });
  return {
    /** All resources of a type. */
    all: (type: string): Found[] =>
      Object.entries(template.Resources)
        .filter(([, { Type }]) => Type === type)
        .map(([id, resource]) => found(id, resource)),
    /** @throws Error when there is none of this name */
    one: (id: string): Found => {
      const resource = template.Resources[id];
      if (!resource) throw new Error(`the template has no ${id}`);
      return found(id, resource);
    },
  };
};
