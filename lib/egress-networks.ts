import { BlockList, isIP } from "node:net";
import { networkInterfaces } from "node:os";

/**
 * A set of networks, kept apart by family: a BlockList alone would match an IPv4 address against
 * IPv6 rules by its mapped form.
 */
type Networks = { readonly has: (address: string) => boolean };

/** @throws RangeError naming the entry that is not a CIDR */
export const networks = (cidrs: readonly string[]): Networks => {
  const lists = { 4: new BlockList(), 6: new BlockList() };
  for (const cidr of cidrs) {
    const [, net = "", bits = ""] = /^([0-9a-f.:]+)\/(\d{1,3})$/i.exec(cidr) ?? [];
    const family = isIP(net);
    if ((family !== 4 && family !== 6) || Number(bits) > (family === 4 ? 32 : 128))
      throw new RangeError(`"${cidr}" is not a network such as 10.0.0.0/8 or fd00::/8`);
    lists[family].addSubnet(net, Number(bits), `ipv${family}`);
  }
  return {
    has: (address) => {
      const family = isIP(address);
      return (family === 4 || family === 6) && lists[family].check(address, `ipv${family}`);
    },
  };
};

/**
 * Nobody may open these: link-local and the metadata services of clouds (they hand out
 * credentials), multicast and broadcast, and forms of IPv6 that hide an IPv4 address.
 */
const never = networks([
  "169.254.0.0/16",
  "fe80::/10",
  "fd00:ec2::/32",
  "fd20:ce::254/128",
  "100.100.100.200/32",
  "168.63.129.16/32",
  "192.0.0.192/32",
  "64:ff9b::a9fe:0/112",
  "224.0.0.0/4",
  "255.255.255.255/32",
  "ff00::/8",
  "::ffff:0:0/96",
]);

/** Closed unless `allow` opens them: IANA's special-purpose registries, RFC 6890 and successors. */
const notGlobal = networks([
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.0.2.0/24",
  "192.31.196.0/24",
  "192.52.193.0/24",
  "192.88.99.0/24",
  "192.168.0.0/16",
  "192.175.48.0/24",
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24",
  "240.0.0.0/4",
  "::/3",
  "2001::/23",
  "2001:db8::/32",
  "2002::/16",
  "3fff::/20",
  "4000::/2",
  "8000::/1",
]);

/** Addresses by which a machine reaches itself, whatever its interfaces are called. */
const selfAddresses = networks(["127.0.0.0/8", "0.0.0.0/32", "::1/128", "::/128"]);

export const isNeverReached = (address: string): boolean => never.has(address);

export const isGlobal = (address: string): boolean => !notGlobal.has(address);

export const isSelfAddress = (address: string): boolean => selfAddresses.has(address);

/** Whether a connection to this address ends at this machine. */
export const isThisMachine = (address: string): boolean =>
  isSelfAddress(address) ||
  Object.values(networkInterfaces()).some((interfaces) =>
    interfaces?.some((own) => own.address === address),
  );
