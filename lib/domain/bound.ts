import type { Guest } from "./instances.ts";

type Holding = Pick<Guest, "extraSpecs" | "imageProperties" | "vnicTypes">;

/** Flavor extra specs that bind a guest to a device of its host; resource groups may be numbered. */
const DEVICE_SPECS: readonly (readonly [key: RegExp, device: string])[] = [
  [/^pci_passthrough:alias/, "a PCI device"],
  [/^resources[^:]*:VGPU/, "a virtual GPU"],
  [/^resources[^:]*:PGPU/, "a GPU"],
  [/^hw:pmem/, "persistent memory"],
  [/^accel:device_profile/, "an accelerator"],
];

const NO = new Set(["", "0", "n", "no", "f", "false", "off"]);
const isYes = (value: string | undefined): boolean =>
  value !== undefined && !NO.has(value.toLowerCase());

/** Where the secret of a virtual TPM lies with Nova, and not with its owner alone, it can be moved. */
const MOVABLE_TPM = new Set(["host", "deployment"]);

/**
 * What of its host the guest holds, in words; null when nothing ties it. Nova rejects the live
 * migration of most such guests and detaches the device of some on the way: neither is ours to
 * choose. What Nova's lists do not show (shares) is left to Nova's refusal.
 */
export const boundTo = ({ extraSpecs, imageProperties, vnicTypes }: Holding): string | null => {
  const port = vnicTypes.find((type) => type !== "normal");
  if (port !== undefined) return `a network device (${port})`;
  const found = DEVICE_SPECS.find(([key]) =>
    Object.keys(extraSpecs).some((spec) => key.test(spec)),
  );
  if (found) return found[1];
  if (isYes(extraSpecs["hw:mem_encryption"]) || isYes(imageProperties["hw_mem_encryption"]))
    return "encrypted memory";
  const tpm =
    extraSpecs["hw:tpm_version"] ??
    extraSpecs["hw:tpm_model"] ??
    imageProperties["hw_tpm_version"] ??
    imageProperties["hw_tpm_model"];
  const secret =
    extraSpecs["hw:tpm_secret_security"] ?? imageProperties["hw_tpm_secret_security"] ?? "";
  return tpm !== undefined && !MOVABLE_TPM.has(secret) ? "a virtual TPM" : null;
};
