import * as z from "zod";
import { invalid, invalidParameter } from "./invalid.ts";
import type { KeyAttribute, KeySchema } from "./keys.ts";

const nameSchema = z
  .string()
  .regex(/^[a-zA-Z0-9_.-]{3,255}$/, "must be 3 to 255 of the characters a-z A-Z 0-9 _ . -");

const keySchemaSchema = z
  .array(
    z.strictObject({
      AttributeName: z.string().min(1).max(255),
      KeyType: z.enum(["HASH", "RANGE"]),
    }),
  )
  .min(1)
  .max(2);

const indexSchema = z.strictObject({
  IndexName: nameSchema,
  KeySchema: keySchemaSchema,
  Projection: z.strictObject({
    ProjectionType: z.enum(["ALL", "KEYS_ONLY", "INCLUDE"]),
    NonKeyAttributes: z.array(z.string().min(1).max(255)).min(1).max(20).optional(),
  }),
});

/**
 * A table as `AWS::DynamoDB::Table` and CreateTable describe it, as far as this database has it:
 * on demand, global secondary indexes, a stream with both images. What only guards or encrypts
 * data on AWS is accepted and has no effect.
 */
const definitionSchema = z.strictObject({
  TableName: nameSchema,
  AttributeDefinitions: z
    .array(
      z.strictObject({
        AttributeName: z.string().min(1).max(255),
        AttributeType: z.enum(["S", "N", "B"]),
      }),
    )
    .min(1),
  KeySchema: keySchemaSchema,
  BillingMode: z.literal("PAY_PER_REQUEST"),
  GlobalSecondaryIndexes: z.array(indexSchema).min(1).max(20).optional(),
  StreamSpecification: z
    .strictObject({
      StreamEnabled: z.boolean().optional(),
      StreamViewType: z.literal("NEW_AND_OLD_IMAGES").optional(),
    })
    .optional(),
  TimeToLiveSpecification: z
    .strictObject({ AttributeName: z.string().min(1).max(255).optional(), Enabled: z.boolean() })
    .optional(),
  PointInTimeRecoverySpecification: z.unknown().optional(),
  SSESpecification: z.unknown().optional(),
  DeletionProtectionEnabled: z.unknown().optional(),
  Tags: z.unknown().optional(),
});

export type TableDefinition = z.infer<typeof definitionSchema>;

/**
 * Reads and checks a table's definition.
 *
 * @throws AwsError ValidationException naming the member that is wrong, unknown or unsupported
 */
export const readDefinition = (input: unknown): TableDefinition => {
  const parsed = definitionSchema.safeParse(input);
  if (!parsed.success)
    throw invalid(
      `${parsed.error.issues.length} validation error detected: ${parsed.error.issues
        .map(({ path, message }) => `${path.join(".") || "table"}: ${message}`)
        .join("; ")}`,
    );
  checkAttributes(parsed.data);
  checkIndexes(parsed.data);
  return parsed.data;
};

const checkAttributes = (definition: TableDefinition): void => {
  const { AttributeDefinitions, KeySchema, GlobalSecondaryIndexes = [] } = definition;
  const defined = AttributeDefinitions.map(({ AttributeName }) => AttributeName);
  const keys = [KeySchema, ...GlobalSecondaryIndexes.map((index) => index.KeySchema)]
    .flat()
    .map(({ AttributeName }) => AttributeName);
  const missing = keys.filter((name) => !defined.includes(name));
  if (missing.length > 0)
    throw invalidParameter(
      `Some index key attributes are not defined in AttributeDefinitions. Keys: [${missing.join(", ")}], AttributeDefinitions: [${defined.join(", ")}]`,
    );
  if (defined.some((name) => !keys.includes(name)))
    throw invalidParameter(
      `Some AttributeDefinitions are not used. AttributeDefinitions: [${defined.join(", ")}], keys used: [${keys.join(", ")}]`,
    );
};

const checkIndexes = ({ GlobalSecondaryIndexes = [] }: TableDefinition): void => {
  const names = new Set<string>();
  for (const { IndexName, Projection } of GlobalSecondaryIndexes) {
    if (names.has(IndexName)) throw invalidParameter(`Duplicate index name: ${IndexName}`);
    names.add(IndexName);
    const { ProjectionType, NonKeyAttributes } = Projection;
    if ((ProjectionType === "INCLUDE") !== (NonKeyAttributes !== undefined))
      throw invalidParameter(
        `ProjectionType is ${ProjectionType}, ${NonKeyAttributes ? "but" : "and no"} NonKeyAttributes is specified`,
      );
  }
};

/** @throws AwsError ValidationException when the schema is not a hash key, or a hash and then a range key */
export const readKeySchema = (
  elements: TableDefinition["KeySchema"],
  attributes: TableDefinition["AttributeDefinitions"],
): KeySchema => {
  const [first, second] = elements;
  if (first?.KeyType !== "HASH")
    throw invalid("Invalid KeySchema: The first KeySchemaElement is not a HASH key type");
  if (second && second.KeyType !== "RANGE")
    throw invalid("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type");
  if (first.AttributeName === second?.AttributeName)
    throw invalid(
      "Both the Hash Key and the Range Key element in the KeySchema have the same name",
    );
  return {
    hash: keyAttribute(first.AttributeName, attributes),
    range: second && keyAttribute(second.AttributeName, attributes),
  };
};

const keyAttribute = (
  name: string,
  attributes: TableDefinition["AttributeDefinitions"],
): KeyAttribute => {
  const found = attributes.find(({ AttributeName }) => AttributeName === name);
  if (!found) throw invalidParameter(`Key attribute ${name} is not defined`);
  return { name, type: found.AttributeType };
};
