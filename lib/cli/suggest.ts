/** How many letters must be added, dropped or replaced to turn one word into the other. */
const distance = (left: string, right: string): number => {
  let row = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (const [i, a] of [...left].entries()) {
    const next = [i + 1];
    for (const [j, b] of [...right].entries()) {
      const replaced = (row[j] ?? 0) + (a === b ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row[right.length] ?? 0;
};

/** The known word that was probably meant, if one is near enough. */
const nearest = (word: string, known: Iterable<string>): string | undefined => {
  let best: { readonly word: string; readonly off: number } | undefined;
  for (const candidate of known) {
    const begun = word.length >= 3 && candidate.startsWith(word);
    const off = begun ? 0 : distance(word.toLowerCase(), candidate.toLowerCase());
    if (!best || off < best.off) best = { word: candidate, off };
  }
  return best && best.off <= Math.max(2, Math.floor(word.length / 3)) && best.off < word.length
    ? best.word
    : undefined;
};

/** "; did you mean X?", or nothing. */
export const didYouMean = (word: string, known: Iterable<string>): string => {
  const meant = nearest(word, known);
  return meant === undefined ? "" : `; did you mean ${meant}?`;
};
