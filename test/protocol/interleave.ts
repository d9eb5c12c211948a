import { setImmediate } from "node:timers/promises";

/** For thousands of interleavings, on a machine that has other things to do. */
export const PATIENCE_MS = 600_000;

/**
 * Makes one atomic act (a call of a store or a service) once it is this actor's turn.
 *
 * @param touches what it reads or writes, when somebody wants to know
 */
export type Step = <T>(act: () => Promise<T>, touches?: readonly string[]) => Promise<T>;

/** Somebody who acts in atomic steps; between two of them anybody else may act. */
export type Actor = { readonly name: string; readonly play: (step: Step) => Promise<unknown> };

type Seat = { readonly name: string };
type Turn = {
  readonly name: string;
  readonly seat: Seat;
  readonly touches: readonly string[];
  readonly act: () => Promise<void>;
};

/** Where actors wait for their turns. They may wait for nothing else but each other's promises. */
export type Stage = {
  /** Those who wait for their turn, in the order they came. */
  readonly waiting: () => Pick<Turn, "name" | "touches">[];
  /** Whether somebody of that name has neither ended nor been killed. */
  readonly isOn: (name: string) => boolean;
  /** Lets one act, and then everybody go on to where they wait again. */
  readonly act: (position: number) => Promise<void>;
  /** Brings another actor, up to its first step. */
  readonly enter: (actor: Actor) => Promise<void>;
  /** Everybody of that name dies where it stands: what they would do next is never done. */
  readonly kill: (name: string) => void;
};

/** A stage on which one acts at a time. @throws whatever an actor throws, from `act` or `enter` */
export const newStage = (): Stage => {
  const turns: Turn[] = [];
  const seats = new Set<Seat>();
  const thrown: unknown[] = [];

  /** Everybody has gone on as far as they get without another turn. */
  const settled = async () => {
    await setImmediate();
    if (thrown.length > 0) throw thrown[0];
  };

  return {
    waiting: () => [...turns],
    isOn: (name) => [...seats].some((seat) => seat.name === name),
    act: async (position) => {
      const [turn] = turns.splice(position, 1);
      await turn?.act();
      await settled();
    },
    enter: async ({ name, play }) => {
      const seat = { name };
      seats.add(seat);
      const step: Step = (act, touches = []) =>
        new Promise((resolve, reject) => {
          if (!seats.has(seat)) return;
          turns.push({ name, seat, touches, act: () => act().then(resolve, reject) });
        });
      play(step).then(
        () => seats.delete(seat),
        (error) => thrown.push(error),
      );
      await settled();
    },
    kill: (name) => {
      for (const seat of seats) if (seat.name === name) seats.delete(seat);
      const left = turns.filter(({ seat }) => seats.has(seat));
      turns.splice(0, turns.length, ...left);
    },
  };
};

/** Something that may happen next. */
export type Possibility = {
  /** The same in every run in which the same came before. */
  readonly is: string;
  /** What it reads or writes; two that share none of it may as well happen the other way round. */
  readonly touches: readonly string[];
};

/** Says which comes next; null = that is enough. */
export type Choose = (possible: readonly Possibility[]) => number | null;

type Node = {
  readonly possible: readonly Possibility[];
  readonly chosen: Possibility;
  /** What need not be chosen here: it leads to what was seen on another path. */
  readonly asleep: readonly Possibility[];
};

/** What touches this commutes with nothing. */
export const EVERYTHING = "everything";

const commute = (one: Possibility, other: Possibility): boolean =>
  ![...one.touches, ...other.touches].includes(EVERYTHING) &&
  !one.touches.some((what) => other.touches.includes(what));

const awake = ({ possible, asleep }: Pick<Node, "possible" | "asleep">): Possibility | undefined =>
  possible.find(({ is }) => !asleep.some((other) => other.is === is));

/** What comes next on this path leads to nothing new. */
class SeenBeforeError extends Error {
  override readonly name = "SeenBeforeError";
}

/** The next node of a path. @throws SeenBeforeError */
const nodeAfter = (last: Node | undefined, possible: readonly Possibility[]): Node | null => {
  if (possible.length === 0) return null;
  const asleep = last ? last.asleep.filter((other) => commute(other, last.chosen)) : [];
  const chosen = awake({ possible, asleep });
  if (chosen === undefined) throw new SeenBeforeError();
  return { possible, chosen, asleep };
};

/** Turns the path to the next one that is new; false when there is none. */
const turn = (path: Node[]): boolean => {
  for (let node = path.pop(); node !== undefined; node = path.pop()) {
    const asleep = [...node.asleep, node.chosen];
    const chosen = awake({ ...node, asleep });
    if (chosen !== undefined) return path.push({ ...node, chosen, asleep }) > 0;
  }
  return false;
};

/**
 * Goes through every sequence of choices there is, but through those once that differ only in the
 * order of what commutes (sleep sets: Godefroid, "Partial-Order Methods", 1996).
 *
 * @param run one run, the same as the others but for what it is told to choose; it is broken off
 *   where it would repeat another
 * @returns how many there were
 */
export const everyInterleaving = async (
  run: (choose: Choose) => Promise<void>,
): Promise<number> => {
  const path: Node[] = [];
  let count = 0;
  do {
    let depth = 0;
    const choose: Choose = (possible) => {
      const node = path[depth] ?? nodeAfter(path.at(-1), possible);
      if (node === null) return null;
      path[depth++] = node;
      const position = possible.findIndex(({ is }) => is === node.chosen.is);
      if (position < 0) throw new Error(`"${node.chosen.is}" was possible and is not now`);
      return position;
    };
    try {
      await run(choose);
      count += 1;
    } catch (error) {
      if (!(error instanceof SeenBeforeError)) throw error;
    }
  } while (turn(path));
  return count;
};
