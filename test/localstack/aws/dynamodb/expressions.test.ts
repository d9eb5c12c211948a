import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type ConditionTemplate,
  type OperandTemplate,
  parseCondition,
} from "../../../../localstack/aws/dynamodb/expressions/condition-syntax.ts";
import { isReserved } from "../../../../localstack/aws/dynamodb/reserved-words.ts";

const name = fc
  .stringMatching(/^[A-Za-z][A-Za-z0-9_]{0,6}$/)
  .filter((word) => !isReserved(word) && !/^(AND|OR|NOT|IN|BETWEEN)$/i.test(word));
const placeholder = fc.stringMatching(/^[A-Za-z0-9_]{1,6}$/);

const path: fc.Arbitrary<OperandTemplate> = fc
  .tuple(
    fc.oneof(
      name,
      placeholder.map((word) => `#${word}`),
    ),
    fc.array(
      fc.oneof(
        name,
        placeholder.map((word) => `#${word}`),
        fc.nat(99),
      ),
      { maxLength: 3 },
    ),
  )
  .map(([first, rest]) => ({ kind: "path", path: [first, ...rest] }));
const value: fc.Arbitrary<OperandTemplate> = placeholder.map((word) => ({
  kind: "value",
  placeholder: `:${word}`,
}));

const { operand, condition } = fc.letrec<{
  operand: OperandTemplate;
  condition: ConditionTemplate;
}>((tie) => ({
  operand: fc.oneof(
    { depthSize: "small" },
    path,
    value,
    fc.record({
      kind: fc.constant("call" as const),
      name,
      operands: fc.array(tie("operand"), { minLength: 1, maxLength: 3 }),
    }),
  ),
  condition: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.record({
      kind: fc.constant("compare" as const),
      comparator: fc.constantFrom("=", "<>", "<", "<=", ">", ">="),
      operands: fc.tuple(tie("operand"), tie("operand")),
    }),
    fc.record({
      kind: fc.constant("between" as const),
      operands: fc.tuple(tie("operand"), tie("operand"), tie("operand")),
    }),
    fc.record({
      kind: fc.constant("in" as const),
      operand: tie("operand"),
      candidates: fc.array(tie("operand"), { minLength: 1, maxLength: 4 }),
    }),
    fc.record({
      kind: fc.constantFrom("and" as const, "or" as const),
      left: tie("condition"),
      right: tie("condition"),
    }),
    fc.record({ kind: fc.constant("not" as const), condition: tie("condition") }),
  ),
}));

const writeOperand = (template: OperandTemplate): string => {
  if (template.kind === "value") return template.placeholder;
  if (template.kind === "call")
    return `${template.name} (${template.operands.map(writeOperand).join(" , ")})`;
  return template.path
    .map((part, index) => (typeof part === "number" ? `[${part}]` : index > 0 ? `.${part}` : part))
    .join("");
};

/** Parentheses around everything that has an operator, so that precedence plays no part. */
const nested = (template: ConditionTemplate): string =>
  template.kind === "and" || template.kind === "or" || template.kind === "not"
    ? `(${write(template)})`
    : write(template);

const write = (template: ConditionTemplate): string => {
  switch (template.kind) {
    case "and":
    case "or":
      return `${nested(template.left)} ${template.kind} ${nested(template.right)}`;
    case "not":
      return `NOT ${nested(template.condition)}`;
    case "compare":
      return template.operands.map(writeOperand).join(template.comparator);
    case "between": {
      const [subject, low, high] = template.operands.map(writeOperand);
      return `${subject} BETWEEN ${low} AND ${high}`;
    }
    case "in":
      return `${writeOperand(template.operand)} IN (${template.candidates.map(writeOperand).join(",")})`;
    case "call":
      return writeOperand(template);
  }
};

const parse = (source: string) => parseCondition("ConditionExpression", source);

describe("a condition", () => {
  test("that was written out is parsed to what it was", () => {
    fc.assert(
      fc.property(condition, (template) => {
        const source = write(template);
        fc.pre(Buffer.byteLength(source) <= 4096);
        expect(parse(source)).toEqual(template);
      }),
      { numRuns: 500 },
    );
  });

  test("that ends anywhere but at its end is a syntax error, never something else", () => {
    fc.assert(
      fc.property(condition, operand, fc.nat(), (template, extra, cut) => {
        const source = `${write(template)} ${writeOperand(extra)}`;
        fc.pre(Buffer.byteLength(source) <= 4096);
        expect(() => parse(source)).toThrow(/Invalid ConditionExpression/);
        try {
          parse(source.slice(0, cut % source.length));
        } catch (error) {
          expect((error as Error).name).toBe("ValidationException");
        }
      }),
    );
  });

  test("binds NOT before AND before OR", () => {
    const text = "a = :a OR NOT b = :b AND c = :c";
    expect(parse(text)).toEqual(parse("a = :a OR ((NOT b = :b) AND c = :c)"));
    expect(parse(text)).not.toEqual(parse("(a = :a OR NOT b = :b) AND c = :c"));
  });
});

describe("reserved words", () => {
  test("are refused in any case, and allowed through a placeholder", () => {
    for (const word of ["ABORT", "zone", "Status", "name", "TTL", "Innter", "flattern"])
      expect(() => parse(`${word} = :v`)).toThrow(`reserved keyword: ${word}`);
    expect(parse("#status = :v")).toMatchObject({ kind: "compare" });
  });
});
