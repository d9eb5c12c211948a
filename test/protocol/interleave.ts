/** Runs one atomic act (a call of a store or a service) once it is this actor's turn. */
export type Step = <T>(act: () => Promise<T>) => Promise<T>;

/** Somebody who acts in atomic steps; between two of them anybody else may act. */
export type Actor = { readonly name: string; readonly play: (step: Step) => Promise<void> };

type Seat = {
  readonly name: string;
  /** What it does when it is its turn; null while it has ended. */
  turn: (() => Promise<void>) | null;
};

/** Those who may act next. */
export type Stage = {
  /** Names of those who wait for their turn, in the order they came. */
  readonly waiting: () => string[];
  /** Lets somebody act once, up to where it waits again or has ended. */
  readonly act: (position: number) => Promise<void>;
  /** Brings another actor, which runs up to its first step. */
  readonly enter: (actor: Actor) => Promise<void>;
  /** Somebody dies where it stands: what it would do next is never done. */
  readonly kill: (name: string) => void;
};

/**
 * Puts actors on a stage where one acts at a time. An actor may wait for its steps only.
 *
 * @throws whatever an actor throws
 */
export const newStage = (): Stage => {
  const seats: Seat[] = [];

  const enter = ({ name, play }: Actor): Promise<void> => {
    const seat: Seat = { name, turn: null };
    return new Promise((arrived, failed) => {
      let reached = arrived;
      let broken = failed;
      const step: Step = (act) =>
        new Promise((resolve, reject) => {
          seat.turn = () =>
            new Promise((next, fail) => {
              reached = next;
              broken = fail;
              act().then(resolve, reject);
            });
          seats.push(seat);
          reached();
        });
      play(step).then(
        () => reached(),
        (error) => broken(error),
      );
    });
  };

  return {
    waiting: () => seats.map(({ name }) => name),
    act: async (position) => {
      const [seat] = seats.splice(position, 1);
      await seat?.turn?.();
    },
    enter,
    kill: (name) => {
      const position = seats.findIndex((seat) => seat.name === name);
      if (position >= 0) seats.splice(position, 1);
    },
  };
};
