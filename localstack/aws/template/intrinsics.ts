/** The template asks for something that the embedded stack does not implement, or contradicts itself. */
export class TemplateError extends Error {
  override readonly name = "TemplateError";
}

export type Attributes = Record<string, unknown>;

export const isRecord = (value: unknown): value is Attributes =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** What names mean inside one template. */
export type Scope = {
  /** Value of `Ref`; throws TemplateError for an unknown name. */
  readonly ref: (name: string) => unknown;
  /** Value of `Fn::GetAtt`; throws TemplateError for an unknown resource or attribute. */
  readonly getAtt: (resource: string, attribute: string) => unknown;
  readonly condition: (name: string) => boolean;
};

/** What `Ref: AWS::NoValue` stands for: the property that holds it disappears. */
export const NO_VALUE = Symbol("AWS::NoValue");

const text = (value: unknown, where: string): string => {
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean")
    return String(value);
  throw new TemplateError(`${where} needs a string, not ${JSON.stringify(value)}`);
};

const list = (value: unknown, where: string): readonly unknown[] => {
  if (Array.isArray(value)) return value;
  throw new TemplateError(`${where} needs a list, not ${JSON.stringify(value)}`);
};

const attribute = (scope: Scope, argument: unknown): unknown => {
  const [resource, ...path] =
    typeof argument === "string" ? argument.split(".") : list(argument, "Fn::GetAtt");
  return scope.getAtt(
    text(resource, "Fn::GetAtt"),
    path.map((part) => text(part, "Fn::GetAtt")).join("."),
  );
};

const substitute = (scope: Scope, argument: unknown): string => {
  const [template, variables] =
    typeof argument === "string" ? [argument] : list(argument, "Fn::Sub");
  const values = isRecord(variables) ? variables : {};
  return text(template, "Fn::Sub").replace(
    /\$\{(!?)([^}]+)\}/g,
    (_, literal: string, name: string) => {
      if (literal) return `\${${name}}`;
      if (Object.hasOwn(values, name))
        return text(resolve(scope, values[name]), `Fn::Sub \${${name}}`);
      const value = name.includes(".") ? attribute(scope, name) : scope.ref(name);
      return text(value, `Fn::Sub \${${name}}`);
    },
  );
};

const join = (scope: Scope, argument: unknown): string => {
  const [separator, parts] = list(argument, "Fn::Join");
  return list(resolve(scope, parts), "Fn::Join")
    .map((part) => text(part, "Fn::Join"))
    .join(text(separator, "Fn::Join"));
};

const split = (scope: Scope, argument: unknown): string[] => {
  const [separator, whole] = list(argument, "Fn::Split");
  return text(resolve(scope, whole), "Fn::Split").split(text(separator, "Fn::Split"));
};

const choose = (scope: Scope, argument: unknown): unknown => {
  const [name, yes, no] = list(argument, "Fn::If");
  return resolve(scope, scope.condition(text(name, "Fn::If")) ? yes : no);
};

const FUNCTIONS: Readonly<Record<string, (scope: Scope, argument: unknown) => unknown>> = {
  Ref: (scope, argument) => scope.ref(text(argument, "Ref")),
  "Fn::GetAtt": attribute,
  "Fn::Sub": substitute,
  "Fn::Join": join,
  "Fn::Split": split,
  "Fn::If": choose,
};

const intrinsic = (value: Attributes): [string, unknown] | undefined => {
  const [only, ...others] = Object.entries(value);
  return only && others.length === 0 && (only[0] === "Ref" || only[0].startsWith("Fn::"))
    ? only
    : undefined;
};

/**
 * Replaces the intrinsic functions inside `value` by what they stand for in `scope`.
 *
 * @throws TemplateError for a function, name or attribute that is not implemented
 */
export const resolve = (scope: Scope, value: unknown): unknown => {
  if (Array.isArray(value))
    return value.map((item) => resolve(scope, item)).filter((item) => item !== NO_VALUE);
  if (!isRecord(value)) return value;
  const call = intrinsic(value);
  if (!call)
    return Object.fromEntries(
      Object.entries(value)
        .map(([key, item]) => [key, resolve(scope, item)] as const)
        .filter(([, item]) => item !== NO_VALUE),
    );
  const act = FUNCTIONS[call[0]];
  if (!act) throw new TemplateError(`the embedded stack does not implement ${call[0]}`);
  return act(scope, call[1]);
};

/** Decides one entry of the template's `Conditions`: Fn::Equals, Fn::Not, Fn::And, Fn::Or, Condition. */
export const decide = (scope: Scope, condition: unknown): boolean => {
  const [name, argument] = (isRecord(condition) && Object.entries(condition)[0]) || ["", undefined];
  const all = () => list(argument, name).map((item) => decide(scope, item));
  switch (name) {
    case "Condition":
      return scope.condition(text(argument, name));
    case "Fn::Equals": {
      const [left, right] = list(argument, name).map((item) => resolve(scope, item));
      return text(left, name) === text(right, name);
    }
    case "Fn::Not":
      return !all()[0];
    case "Fn::And":
      return all().every(Boolean);
    case "Fn::Or":
      return all().some(Boolean);
    default:
      throw new TemplateError(`the embedded stack cannot decide ${JSON.stringify(condition)}`);
  }
};
