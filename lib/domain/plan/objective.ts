/** `fastest`: done soonest, at a few more moves. `fewest_moves`: hardly an instance moves twice, and it takes longer. */
export const OBJECTIVES = ["fastest", "fewest_moves"] as const;
export type Objective = (typeof OBJECTIVES)[number];
