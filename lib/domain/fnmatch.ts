type Token = "*" | ((character: string) => boolean);

/**
 * Whether a text matches a pattern of Python's fnmatch, case and all: `*` anything, `?` one
 * character, `[a-c]` and `[!a-c]` one of a set. Each `*` takes as little as it can and gives way only
 * to the next one, so that a pattern of somebody else's costs no more than its length times the
 * text's.
 */
export const fnmatch = (text: string, pattern: string): boolean => {
  const characters = Array.from(text);
  const tokens = tokensOf(Array.from(pattern));
  let [at, token] = [0, 0];
  let star: { readonly token: number; at: number } | null = null;
  while (at < characters.length) {
    const next = tokens[token];
    if (next === "*") {
      star = { token, at };
      token += 1;
    } else if (next?.(characters[at] ?? "")) {
      at += 1;
      token += 1;
    } else if (star !== null) {
      star.at += 1;
      at = star.at;
      token = star.token + 1;
    } else return false;
  }
  return tokens.slice(token).every((rest) => rest === "*");
};

const tokensOf = (pattern: readonly string[]): Token[] => {
  const tokens: Token[] = [];
  for (let at = 0; at < pattern.length; at++) {
    const character = pattern[at] ?? "";
    const end = character === "[" ? endOfSet(pattern, at + 1) : -1;
    if (end > 0) {
      tokens.push(setOf(pattern.slice(at + 1, end)));
      at = end;
    } else if (character === "*") tokens.push("*");
    else tokens.push(character === "?" ? () => true : (other) => other === character);
  }
  return tokens;
};

/** Where the `]` of a set is; one that comes first is a member. -1: the `[` means itself. */
const endOfSet = (pattern: readonly string[], start: number): number => {
  const first = pattern[start] === "!" ? start + 1 : start;
  return pattern.indexOf("]", pattern[first] === "]" ? first + 1 : first);
};

const setOf = (members: readonly string[]): ((character: string) => boolean) => {
  const negated = members[0] === "!";
  const ranges: (readonly [string, string])[] = [];
  for (let at = negated ? 1 : 0; at < members.length; at++) {
    const low = members[at] ?? "";
    const high = members[at + 1] === "-" ? members[at + 2] : undefined;
    ranges.push([low, high ?? low]);
    if (high !== undefined) at += 2;
  }
  return (character) =>
    ranges.some(([low, high]) => low <= character && character <= high) !== negated;
};
