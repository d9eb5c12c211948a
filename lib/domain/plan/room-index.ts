/** What the index keeps of a host: how much is free, and its neighbours in its bucket. */
export type Indexed<Entry> = {
  /** Free room as one number, see `unitsOf` in set-up-board.ts. */
  share: number;
  before: Entry | null;
  after: Entry | null;
  bucket: number;
  index: RoomIndex<Entry> | null;
};

const BUCKETS = 1024;
const WORD = 32;

/**
 * Hosts in buckets by their free room, so that the tightest one with enough of it is found without
 * looking at the others: buckets are linked lists, and a bit says which of them hold anything.
 */
export type RoomIndex<Entry> = {
  readonly width: number;
  readonly heads: (Entry | null)[];
  readonly filled: Int32Array;
};

/** @param largest the most room that any host can have free */
export const roomIndex = <Entry>(largest: number): RoomIndex<Entry> => ({
  width: Math.max(1, Math.ceil((largest + 1) / BUCKETS)),
  heads: new Array<Entry | null>(BUCKETS).fill(null),
  filled: new Int32Array(BUCKETS / WORD),
});

const bucketOf = ({ width }: RoomIndex<unknown>, share: number): number =>
  Math.max(0, Math.min(BUCKETS - 1, Math.floor(share / width)));

const wordAt = ({ filled }: RoomIndex<unknown>, word: number): number => filled[word] ?? 0;

export const insert = <Entry extends Indexed<Entry>>(
  index: RoomIndex<Entry>,
  entry: Entry,
): void => {
  const bucket = bucketOf(index, entry.share);
  const head = index.heads[bucket] ?? null;
  entry.index = index;
  entry.bucket = bucket;
  entry.before = null;
  entry.after = head;
  if (head !== null) head.before = entry;
  index.heads[bucket] = entry;
  index.filled[bucket >> 5] = wordAt(index, bucket >> 5) | (1 << (bucket & 31));
};

/** Nothing happens to an entry that is in no index. */
export const remove = <Entry extends Indexed<Entry>>(entry: Entry): void => {
  const { index, bucket, before, after } = entry;
  if (index === null) return;
  if (after !== null) after.before = before;
  if (before !== null) before.after = after;
  else {
    index.heads[bucket] = after;
    if (after === null)
      index.filled[bucket >> 5] = wordAt(index, bucket >> 5) & ~(1 << (bucket & 31));
  }
  entry.index = null;
};

/** The first bucket from `from` on that holds anything; -1 = none. */
const nextFilled = (index: RoomIndex<unknown>, from: number): number => {
  if (from >= BUCKETS) return -1;
  let word = from >> 5;
  let bits = wordAt(index, word) & (-1 << (from & 31));
  while (bits === 0) {
    word += 1;
    if (word >= BUCKETS / WORD) return -1;
    bits = wordAt(index, word);
  }
  return (word << 5) + (31 - Math.clz32(bits & -bits));
};

/**
 * The host with the least room that is enough, among those that `suits` accepts. Within a bucket,
 * whose hosts differ by a thousandth of the largest host, the latest to come is the first.
 */
export const tightest = <Entry extends Indexed<Entry>>(
  index: RoomIndex<Entry>,
  size: number,
  suits: (entry: Entry) => boolean,
): Entry | null => {
  for (
    let bucket = nextFilled(index, bucketOf(index, size));
    bucket >= 0;
    bucket = nextFilled(index, bucket + 1)
  )
    for (let entry = index.heads[bucket] ?? null; entry !== null; entry = entry.after)
      if (entry.share >= size && suits(entry)) return entry;
  return null;
};

/** A bound on the room of every host in the index; 0 = there is none. */
export const mostRoom = (index: RoomIndex<unknown>): number => {
  for (let word = BUCKETS / WORD - 1; word >= 0; word--) {
    const bits = wordAt(index, word);
    if (bits !== 0) return ((word << 5) + 32 - Math.clz32(bits)) * index.width;
  }
  return 0;
};
