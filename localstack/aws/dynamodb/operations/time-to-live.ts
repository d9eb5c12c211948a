import type { Engine } from "../engine.ts";
import {
  type Input,
  optionalFlag,
  optionalText,
  readMembers,
  readTableName,
  required,
} from "../inputs.ts";
import { invalid } from "../invalid.ts";
import { noteExpiries } from "../time-to-live.ts";

const UPDATE_MEMBERS = new Set(["TableName", "TimeToLiveSpecification"]);
const SPECIFICATION_MEMBERS = new Set(["AttributeName", "Enabled"]);
const DESCRIBE_MEMBERS = new Set(["TableName"]);

export const updateTimeToLiveOperation = (engine: Engine, request: unknown): unknown => {
  const input = readMembers(request, UPDATE_MEMBERS);
  const { attribute, enabled } = readSpecification(input);
  const table = engine.catalog.get(readTableName(input));
  const { timeToLive } = table;
  if (enabled && timeToLive === attribute) throw invalid("TimeToLive is already enabled");
  if (!enabled && timeToLive === undefined) throw invalid("TimeToLive is already disabled");
  if (timeToLive !== undefined && timeToLive !== attribute)
    throw invalid(
      `TimeToLive is active on a different AttributeName: current AttributeName is ${timeToLive}`,
    );
  engine.write(() =>
    noteExpiries(engine, engine.catalog.setTimeToLive(table, enabled ? attribute : undefined)),
  );
  return { TimeToLiveSpecification: { AttributeName: attribute, Enabled: enabled } };
};

const readSpecification = (input: Input) => {
  const specification = readMembers(
    required("TimeToLiveSpecification", input["TimeToLiveSpecification"]),
    SPECIFICATION_MEMBERS,
  );
  return {
    attribute: required("AttributeName", optionalText(specification, "AttributeName")),
    enabled: required("Enabled", optionalFlag(specification, "Enabled")),
  };
};

export const describeTimeToLiveOperation = ({ catalog }: Engine, request: unknown): unknown => {
  const { timeToLive } = catalog.get(readTableName(readMembers(request, DESCRIBE_MEMBERS)));
  return {
    TimeToLiveDescription:
      timeToLive === undefined
        ? { TimeToLiveStatus: "DISABLED" }
        : { TimeToLiveStatus: "ENABLED", AttributeName: timeToLive },
  };
};
