import { seededRandom } from "../aws/misbehaviour.ts";

/** Names that differ within a cloud and repeat with its seed. */
export type Ids = {
  readonly random: () => number;
  /** 8-4-4-4-12 hexadecimal digits. */
  readonly uuid: () => string;
  /** 32 hexadecimal digits, as Keystone names things. */
  readonly hex: () => string;
};

export const seededIds = (seed: number): Ids => {
  const random = seededRandom(seed);
  const digits = (count: number) =>
    Array.from({ length: count }, () => Math.floor(random() * 16).toString(16)).join("");
  return {
    random,
    uuid: () => `${digits(8)}-${digits(4)}-4${digits(3)}-a${digits(3)}-${digits(12)}`,
    hex: () => digits(32),
  };
};
