/** What searches may still try, several of them together, before they give up: a clock has no say. */
export type Effort = { left: number };
